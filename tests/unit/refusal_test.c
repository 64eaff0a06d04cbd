#include "aws/refusal.h"

#include "check.h"

#include <string.h>

TEST(refusal_says_what_aws_said)
{
	static const struct {
		int status;
		struct str field, body, name, text;
	} cases[] = {
		/* Lambda's own forms */
		{ 404, STR("ResourceNotFoundException"),
			STR("{\"Type\":\"User\",\"Message\":\"Function not found: "
				"arn:aws:lambda:eu-west-1:123456789012:function:x\"}"),
			STR("ResourceNotFoundException"),
			STR("ResourceNotFoundException: Function not found: "
				"arn:aws:lambda:eu-west-1:123456789012:function:x; check its name, region and "
				"alias") },
		{ 403,
			STR("AccessDeniedException:http://internal.amazon.com/coral/com.amazon.coral.service/"),
			STR("{\"Message\":\"User: u is not authorized to perform: lambda:InvokeFunction\"}"),
			STR("AccessDeniedException"),
			STR("AccessDeniedException: User: u is not authorized to perform: "
				"lambda:InvokeFunction; the gateway's role needs lambda:InvokeFunction on it") },
		{ 403, STR("UnrecognizedClientException"),
			STR("{\"message\":\"The security token included in the request is invalid.\"}"),
			STR("UnrecognizedClientException"),
			STR("UnrecognizedClientException: The security token included in the request is "
				"invalid; AWS does not know the gateway's access key") },
		{ 403, STR("ExpiredTokenException"),
			STR("{\"message\":\"The security token included in the request is expired\"}"),
			STR("ExpiredTokenException"),
			STR("ExpiredTokenException: The security token included in the request is expired; the "
				"gateway's credentials have expired") },
		{ 429, STR("TooManyRequestsException"),
			STR("{\"Reason\":\"CallerRateLimitExceeded\",\"Type\":\"User\",\"message\":\"Rate "
				"Exceeded.\"}"),
			STR("TooManyRequestsException"),
			STR("TooManyRequestsException: Rate Exceeded; it is being throttled") },
		{ 413, STR("RequestTooLargeException"), STR(""), STR("RequestTooLargeException"),
			STR("RequestTooLargeException; the request is larger than AWS takes") },
		{ 500, STR("ServiceException"),
			STR("{\"Type\":\"Service\",\"message\":\"An error occurred\"}"),
			STR("ServiceException"), STR("ServiceException: An error occurred") },
		/* what follows the first line may quote the request, and so the session token */
		{ 403, STR("InvalidSignatureException"),
			STR("{\"message\":\"The request signature we calculated does not match.\\n\\nThe "
				"Canonical String was\\n'x-amz-security-token:hunter2'\"}"),
			STR("InvalidSignatureException"),
			STR("InvalidSignatureException: The request signature we calculated does not match; "
				"check the gateway's secret access key and clock") },
		{ 403, STR("IncompleteSignatureException"),
			STR("{\"message\":\"no '=' in Authorization=AWS4-HMAC-SHA256 hunter2\"}"),
			STR("IncompleteSignatureException"), STR("IncompleteSignatureException") },
		{ 403, STR("IncompleteSignatureException"),
			STR("{\"message\":\"what is Signature=hunter2\"}"), STR("IncompleteSignatureException"),
			STR("IncompleteSignatureException") },
		/* names from other places */
		{ 400, STR(""),
			STR("{\"__type\":\"com.amazonaws.ssm#ParameterNotFound\",\"message\":\"no\"}"),
			STR("ParameterNotFound"), STR("ParameterNotFound: no") },
		{ 400, STR("a#B:c"), STR("{\"__type\":\"D\"}"), STR("B"), STR("B") },
		{ 403, STR(""), STR("{\"message\":\"Forbidden\"}"), STR(""),
			STR("answered 403: Forbidden") },
		{ 400, STR("Bad\tName"), STR(""), STR("Bad"), STR("Bad") },
		{ 400, STR("<!here>"), STR(""), STR(""), STR("answered 400") },
		/* bodies that are not what they should be */
		{ 502, STR(""), STR(""), STR(""), STR("answered 502") },
		{ 502, STR(""), STR("upstream unavailable\n"), STR(""),
			STR("answered 502: upstream unavailable") },
		{ 502, STR(""), STR("\r\n one line\r\nand another"), STR(""),
			STR("answered 502: one line") },
		{ 502, STR(""), STR("<html><body>no</body></html>"), STR(""), STR("answered 502") },
		{ 502, STR(""), STR("{\"message\":\"cut sh"), STR(""), STR("answered 502") },
		{ 502, STR(""), STR("{}"), STR(""), STR("answered 502") },
		{ 502, STR(""), STR("[\"message\"]"), STR(""), STR("answered 502") },
		{ 502, STR(""), STR("{\"message\":null}"), STR(""), STR("answered 502") },
		{ 502, STR(""), STR("{\"message\":{\"message\":\"deep\"}}"), STR(""), STR("answered 502") },
		{ 502, STR(""), STR("{\"message\":\"\\u0007bell\"}"), STR(""), STR("answered 502") },
		{ 502, STR(""),
			STR("bin\x01"
				"ary"),
			STR(""), STR("answered 502") },
		{ 502, STR(""), STR("bad \xc3 utf8"), STR(""), STR("answered 502") },
		{ 502, STR(""), STR("\0"), STR(""), STR("answered 502") },
		{ 502, STR(""),
			STR("gr\xc3\xbc\xc3\x9f"
				"e"),
			STR(""),
			STR("answered 502: gr\xc3\xbc\xc3\x9f"
				"e") },
		/* STS */
		{ 400, STR(""),
			STR("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n  "
				"  <Type>Sender</Type>\n"
				"    <Code>InvalidIdentityToken</Code>\n    <Message>No provider for &quot;x&quot; "
				"&amp; y</Message>\n"
				"  </Error>\n  <RequestId>c6104cbe</RequestId>\n</ErrorResponse>\n"),
			STR("InvalidIdentityToken"), STR("InvalidIdentityToken: No provider for \"x\" & y") },
		{ 403, STR(""), STR("<E><Message>&#83;ignature=hunter2</Message><Code>a b</Code></E>"),
			STR("a"), STR("a") },
		{ 403, STR(""), STR("<E><Code>A</Code><Message>two\nlines</Message></E>"), STR("A"),
			STR("A: two lines") },
		{ 301, STR(""), STR(""), STR(""),
			STR("answered 301; redirects are not followed; is AWS_ENDPOINT_URL right?") },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		context("case %zu", i);
		struct http_head head = { .status = cases[i].status, .count = 1 };
		head.fields[0].name = S("X-Amzn-Errortype");
		head.fields[0].value = guard_copy(cases[i].field);
		if (cases[i].field.n == 0)
			head.count = 0;
		char name[REFUSAL_NAME_MAX];
		struct fault f;
		refusal_read(name, &f, cases[i].status, &head, guard_copy(cases[i].body),
			S("lambda:InvokeFunction"));
		expect_str(str_c(name), cases[i].name);
		expect_str(fault_text(&f), cases[i].text);
		expect_int(f.code, E_REFUSED);
	}
	char name[REFUSAL_NAME_MAX];
	struct fault f;
	context("no keys of the gateway's");
	refusal_read(name, &f, 403, NULL, S("{\"__type\":\"AccessDeniedException\"}"), S(""));
	expect_str(fault_text(&f), S("AccessDeniedException"));
	refusal_read(name, &f, 400, NULL, S("{\"__type\":\"ExpiredTokenException\"}"), S(""));
	expect_str(fault_text(&f), S("ExpiredTokenException"));
	context("no head");
	refusal_read(name, &f, 503, NULL, S(""), S("lambda:InvokeFunction"));
	expect_str(str_c(name), S(""));
	expect_str(fault_text(&f), S("answered 503"));
}

TEST(refusal_fits_whatever_its_parts_are)
{
	char field[200], body[4096];
	memset(field, 'N', sizeof(field));
	for (size_t n = 0; n < 300; n++) {
		for (int escaped = 0; escaped < 2; escaped++) {
			context("%zu, %d", n, escaped);
			struct buf b = BUF(body);
			buf_put(&b, S("{\"message\":\""));
			for (size_t i = 0; i < n; i++)
				buf_put(&b, escaped ? S("\\u00e4") : S("\xc3\xa4"));
			buf_put(&b, S("\"}"));
			struct http_head head = { .status = 403, .count = 1 };
			head.fields[0].name = S("x-amzn-ErrorType");
			head.fields[0].value = n % 2 ? S("AccessDeniedException")
										 : (struct str){ field, test_random(sizeof(field)) };
			char name[REFUSAL_NAME_MAX];
			struct fault f;
			refusal_read(name, &f, 403, &head, guard_copy(buf_str(&b)), S("lambda:InvokeFunction"));
			expect(strlen(name) < sizeof(name));
			struct str text = fault_text(&f);
			expect(text.n <= sizeof(f.text));
			if (n % 2)
				expect(str_ends(text, S("; the gateway's role needs lambda:InvokeFunction on it")));
			/* two bytes a letter: none is cut in half */
			struct str rest = text;
			size_t letters = 0;
			for (size_t at; (at = str_find_str(rest, S("\xc3\xa4"))) < rest.n; letters++)
				rest = str_skip(rest, at + 2);
			size_t bytes = 0;
			for (size_t i = 0; i < text.n; i++)
				bytes += (unsigned char)text.p[i] >= 0x80;
			expect_int(bytes, letters * 2);
		}
	}
	context("plain");
	memset(body, 'p', sizeof(body));
	char name[REFUSAL_NAME_MAX];
	struct fault f;
	refusal_read(
		name, &f, 500, NULL, (struct str){ body, sizeof(body) }, S("lambda:InvokeFunction"));
	expect_int(f.n, strlen("answered 500: ") + 120);
}
