// What the gateway does for a slash command, with the SDK for Go. It connects ahead of the first
// /next through the transport that the SDK uses afterwards.
//
//	rival                            a custom runtime of Lambda
//	rival serve ADDRESS CHAIN KEY    an HTTPS listener that answers every request alike
package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const tolerance = 300

type event struct {
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

type answer struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type gateway struct {
	secret []byte
	client *http.Client
	lambda *lambda.Client
}

func main() {
	if len(os.Args) == 5 && os.Args[1] == "serve" {
		panic(serve(os.Args[2], os.Args[3], os.Args[4]))
	}
	g := newGateway()
	g.connectAhead()
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	runtime := &http.Client{Transport: &http.Transport{}}
	for {
		id, body := next(runtime, api)
		reply, err := json.Marshal(g.handle(body))
		check(err)
		response, err := runtime.Post(api+id+"/response", "application/json",
			bytes.NewReader(reply))
		check(err)
		drain(response)
	}
}

func newGateway() *gateway {
	bundle, err := os.ReadFile(os.Getenv("AWS_CA_BUNDLE"))
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	tlsConfig := &tls.Config{RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: tlsConfig}}
	keys := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN")}
	provide := func(context.Context) (aws.Credentials, error) { return keys, nil }
	provider := aws.CredentialsProviderFunc(provide)
	return &gateway{
		secret: []byte(os.Getenv("SLACK_SIGNING_SECRET")),
		client: client,
		lambda: lambda.New(lambda.Options{
			Region: os.Getenv("AWS_REGION"), Credentials: provider, HTTPClient: client,
			BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL_LAMBDA"))}),
	}
}

// Any request will do: its answer leaves a connection behind that the SDK takes.
func (g *gateway) connectAhead() {
	if response, err := g.client.Head(os.Getenv("AWS_ENDPOINT_URL_LAMBDA")); err == nil {
		drain(response)
	}
}

func next(client *http.Client, api string) (string, []byte) {
	response, err := client.Get(api + "next")
	check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	check(err)
	return response.Header.Get("Lambda-Runtime-Aws-Request-Id"), body
}

func (g *gateway) handle(body []byte) answer {
	began := time.Now()
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return reply(400, map[string]string{"error": "not an event"})
	}
	if err := g.verify(&e); err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		return reply(401, map[string]string{"error": err.Error()})
	}
	form, err := url.ParseQuery(e.Body)
	segments := strings.Split(strings.Trim(e.Path, "/"), "/")
	if err != nil || !form.Has("command") || len(segments) != 2 {
		return reply(400, map[string]string{"error": "not a command"})
	}
	region, function := segments[0], segments[1]
	input := lambda.InvokeInput{
		FunctionName: &function, InvocationType: types.InvocationTypeEvent, Payload: body}
	_, err = g.lambda.Invoke(context.Background(), &input,
		func(o *lambda.Options) { o.Region = region })
	text := fmt.Sprintf("Lambda function %s@%s has been started...", function, region)
	if err != nil {
		text = fmt.Sprintf("Lambda function %s@%s could not be started: %s", function, region, err)
	}
	fmt.Fprintf(os.Stderr, "%s %s@%s in %d us\n", form.Get("command"), function, region,
		time.Since(began).Microseconds())
	return reply(200, map[string]string{"response_type": "ephemeral", "text": text})
}

func (g *gateway) verify(e *event) error {
	var timestamp, signature string
	for name, value := range e.Headers {
		switch strings.ToLower(name) {
		case "x-slack-request-timestamp":
			timestamp = value
		case "x-slack-signature":
			signature = value
		}
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if age := time.Now().Unix() - seconds; err != nil || age > tolerance || age < -tolerance {
		return errors.New("too old")
	}
	given, err := hex.DecodeString(strings.TrimPrefix(signature, "v0="))
	if err != nil {
		return errors.New("no signature")
	}
	mac := hmac.New(sha256.New, g.secret)
	io.WriteString(mac, "v0:"+timestamp+":"+e.Body)
	if !hmac.Equal(mac.Sum(nil), given) {
		return errors.New("wrong signature")
	}
	return nil
}

func reply(status int, body map[string]string) answer {
	text, err := json.Marshal(body)
	check(err)
	headers := map[string]string{"content-type": "application/json"}
	return answer{status, headers, string(text), false}
}

func serve(address, chain, key string) error {
	ok := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") }
	noHTTP2 := map[string]func(*http.Server, *tls.Conn, http.Handler){}
	server := &http.Server{Addr: address, Handler: http.HandlerFunc(ok), TLSNextProto: noHTTP2}
	return server.ListenAndServeTLS(chain, key)
}

func drain(response *http.Response) {
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
