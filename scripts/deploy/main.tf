# The gateway behind a front door of your choice, and a function that it starts, whose result goes
# back to Slack:
#
#	aws ssm put-parameter --name /slack/signing-secret --type SecureString --value SIGNING_SECRET
#	make dist && cd scripts/deploy && terraform init && terraform apply
#
# The output request_url is the Request URL of the slash command.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.29"
    }
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.4"
    }
  }
}

variable "signing_secret_parameter" {
  description = "Name of the SSM parameter that holds the Signing Secret of the Slack app"
  type        = string
  default     = "/slack/signing-secret"
}

variable "name" {
  description = "Name of the gateway, and what the names of its functions begin with"
  type        = string
  default     = "slack-gateway"
}

variable "architecture" {
  description = "Processor of the gateway: x86_64 or arm64"
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "The architecture is x86_64 or arm64."
  }
}

variable "front_door" {
  description = "What turns requests into events: url, http (an HTTP API), rest (a REST API) or alb"
  type        = string
  default     = "url"

  validation {
    condition     = contains(["url", "http", "rest", "alb"], var.front_door)
    error_message = "The front door is url, http, rest or alb."
  }
}

variable "listener" {
  description = "With the front door alb: ARN and host of an HTTPS listener of your load balancer"
  type        = object({ arn = string, host = string })
  default     = null
}

variable "log_retention" {
  description = "Days after which log lines are deleted"
  type        = number
  default     = 30
}

locals {
  package   = "${path.module}/../../dist/slack-lambda-gateway-${var.architecture}.zip"
  region    = data.aws_region.current.region
  account   = data.aws_caller_identity.current.account_id
  ssm       = "arn:${data.aws_partition.current.partition}:ssm:${local.region}:${local.account}"
  parameter = "${local.ssm}:parameter${var.signing_secret_parameter}"
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

# ---- the gateway ---------------------------------------------------------------------------------

resource "aws_iam_role" "gateway" {
  name               = var.name
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy_attachment" "gateway_log" {
  role       = aws_iam_role.gateway.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_role_policy" "gateway_starts" {
  name = "start-functions"
  role = aws_iam_role.gateway.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "lambda:InvokeFunction"
        Resource = [aws_lambda_function.deploy.arn, "${aws_lambda_function.deploy.arn}:*"]
      },
      {
        Effect   = "Allow"
        Action   = "ssm:GetParameter"
        Resource = local.parameter
      },
    ]
  })
}

resource "aws_cloudwatch_log_group" "gateway" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention
}

resource "aws_lambda_function" "gateway" {
  function_name    = var.name
  role             = aws_iam_role.gateway.arn
  filename         = local.package
  source_code_hash = filebase64sha256(local.package)
  handler          = "bootstrap"
  runtime          = "provided.al2023"
  architectures    = [var.architecture]
  memory_size      = 128
  timeout          = 30

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.gateway.name
  }

  environment {
    variables = {
      SLACK_SIGNING_SECRET = "ssm:${var.signing_secret_parameter}"
      GATEWAY_ALLOW        = "${data.aws_region.current.region}/${var.name}-deploy"
    }
  }
}

# ---- a function URL: anybody may call it, so it needs both permissions ---------------------------

resource "aws_lambda_function_url" "gateway" {
  count              = var.front_door == "url" ? 1 : 0
  function_name      = aws_lambda_function.gateway.function_name
  authorization_type = "NONE"
}

resource "aws_lambda_permission" "url" {
  count                  = var.front_door == "url" ? 1 : 0
  statement_id           = "url"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.gateway.function_name
  principal              = "*"
  function_url_auth_type = "NONE"
}

resource "aws_lambda_permission" "url_invoke" {
  count                    = var.front_door == "url" ? 1 : 0
  statement_id             = "url-invoke"
  action                   = "lambda:InvokeFunction"
  function_name            = aws_lambda_function.gateway.function_name
  principal                = "*"
  invoked_via_function_url = true
}

# ---- an HTTP API with one route, at the stage $default -------------------------------------------

resource "aws_apigatewayv2_api" "gateway" {
  count         = var.front_door == "http" ? 1 : 0
  name          = var.name
  protocol_type = "HTTP"
  route_key     = "POST /{proxy+}"
  target        = aws_lambda_function.gateway.arn
}

resource "aws_lambda_permission" "http" {
  count         = var.front_door == "http" ? 1 : 0
  statement_id  = "http"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.gateway.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.gateway[0].execution_arn}/*"
}

# ---- a REST API with one method, at the stage slack ----------------------------------------------

resource "aws_api_gateway_rest_api" "gateway" {
  count = var.front_door == "rest" ? 1 : 0
  name  = var.name
  body = jsonencode({
    openapi = "3.0.1"
    info    = { title = "slack", version = "1" }
    paths = {
      "/{proxy+}" = {
        post = {
          parameters = [
            { name = "proxy", in = "path", required = true, schema = { type = "string" } },
          ]
          x-amazon-apigateway-integration = {
            type       = "aws_proxy"
            httpMethod = "POST"
            uri        = aws_lambda_function.gateway.invoke_arn
          }
        }
      }
    }
  })
}

resource "aws_api_gateway_deployment" "gateway" {
  count       = var.front_door == "rest" ? 1 : 0
  rest_api_id = aws_api_gateway_rest_api.gateway[0].id
  triggers    = { body = sha1(aws_api_gateway_rest_api.gateway[0].body) }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "gateway" {
  count         = var.front_door == "rest" ? 1 : 0
  rest_api_id   = aws_api_gateway_rest_api.gateway[0].id
  deployment_id = aws_api_gateway_deployment.gateway[0].id
  stage_name    = "slack"
}

resource "aws_lambda_permission" "rest" {
  count         = var.front_door == "rest" ? 1 : 0
  statement_id  = "rest"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.gateway.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.gateway[0].execution_arn}/*"
}

# ---- a host name of a load balancer that is there already ----------------------------------------

resource "aws_lb_target_group" "gateway" {
  count       = var.front_door == "alb" ? 1 : 0
  name        = var.name
  target_type = "lambda"
}

resource "aws_lambda_permission" "alb" {
  count         = var.front_door == "alb" ? 1 : 0
  statement_id  = "alb"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.gateway.function_name
  principal     = "elasticloadbalancing.amazonaws.com"
  source_arn    = aws_lb_target_group.gateway[0].arn
}

resource "aws_lb_target_group_attachment" "gateway" {
  count            = var.front_door == "alb" ? 1 : 0
  depends_on       = [aws_lambda_permission.alb]
  target_group_arn = aws_lb_target_group.gateway[0].arn
  target_id        = aws_lambda_function.gateway.arn
}

resource "aws_lb_listener_rule" "gateway" {
  count        = var.front_door == "alb" ? 1 : 0
  listener_arn = var.listener.arn

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.gateway[0].arn
  }

  condition {
    host_header {
      values = [var.listener.host]
    }
  }
}

# ---- an example: what it returns is posted to the user who asked ---------------------------------

data "archive_file" "deploy" {
  type                    = "zip"
  output_path             = "${path.module}/.terraform/deploy.zip"
  source_content_filename = "index.py"
  source_content          = <<-PYTHON
    def handler(event, context):
        return "Deployed."
  PYTHON
}

resource "aws_iam_role" "deploy" {
  name               = "${var.name}-deploy"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy_attachment" "deploy_log" {
  role       = aws_iam_role.deploy.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_role_policy" "deploy_answers" {
  name = "answer-through-gateway"
  role = aws_iam_role.deploy.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = aws_lambda_function.gateway.arn
    }]
  })
}

resource "aws_lambda_function" "deploy" {
  function_name    = "${var.name}-deploy"
  role             = aws_iam_role.deploy.arn
  filename         = data.archive_file.deploy.output_path
  source_code_hash = data.archive_file.deploy.output_base64sha256
  handler          = "index.handler"
  runtime          = "python3.13"
  timeout          = 900
}

resource "aws_lambda_function_event_invoke_config" "deploy" {
  depends_on             = [aws_iam_role_policy.deploy_answers]
  function_name          = aws_lambda_function.deploy.function_name
  maximum_retry_attempts = 0

  destination_config {
    on_success {
      destination = aws_lambda_function.gateway.arn
    }
    on_failure {
      destination = aws_lambda_function.gateway.arn
    }
  }
}

locals {
  # The one that there is.
  address = one(concat(
    aws_lambda_function_url.gateway[*].function_url,
    [for api in aws_apigatewayv2_api.gateway : "${api.api_endpoint}/"],
    [for stage in aws_api_gateway_stage.gateway : "${stage.invoke_url}/"],
    [for rule in aws_lb_listener_rule.gateway : "https://${var.listener.host}/"],
  ))
}

output "request_url" {
  value = "${local.address}${local.region}/${aws_lambda_function.deploy.function_name}"
}
