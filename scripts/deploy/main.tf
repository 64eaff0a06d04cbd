# The gateway with a function URL, and a function that it starts, whose result goes back to Slack:
#
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

variable "signing_secret" {
  description = "Signing Secret of the Slack app, under Basic Information"
  type        = string
  sensitive   = true
}

variable "name" {
  description = "Name of the gateway, and what the names of its functions begin with"
  type        = string
  default     = "slack-gateway"
}

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

# ---- the gateway ---------------------------------------------------------------------------------------------------------

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
    Statement = [{
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = [aws_lambda_function.deploy.arn, "${aws_lambda_function.deploy.arn}:*"]
    }]
  })
}

resource "aws_lambda_function" "gateway" {
  function_name    = var.name
  role             = aws_iam_role.gateway.arn
  filename         = "${path.module}/../../dist/slack-lambda-gateway-x86_64.zip"
  source_code_hash = filebase64sha256("${path.module}/../../dist/slack-lambda-gateway-x86_64.zip")
  handler          = "bootstrap"
  runtime          = "provided.al2023"
  architectures    = ["x86_64"]
  memory_size      = 128
  timeout          = 30

  environment {
    variables = {
      SLACK_SIGNING_SECRET = var.signing_secret
      GATEWAY_ALLOW        = "${data.aws_region.current.region}/${var.name}-deploy"
    }
  }
}

resource "aws_lambda_function_url" "gateway" {
  function_name      = aws_lambda_function.gateway.function_name
  authorization_type = "NONE"
}

# A function URL that anybody may call needs both.
resource "aws_lambda_permission" "url" {
  statement_id           = "url"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.gateway.function_name
  principal              = "*"
  function_url_auth_type = "NONE"
}

resource "aws_lambda_permission" "url_invoke" {
  statement_id             = "url-invoke"
  action                   = "lambda:InvokeFunction"
  function_name            = aws_lambda_function.gateway.function_name
  principal                = "*"
  invoked_via_function_url = true
}

# ---- an example: what it returns is posted to the user who asked ---------------------------------------------------------

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

output "request_url" {
  value = "${aws_lambda_function_url.gateway.function_url}${data.aws_region.current.region}/${aws_lambda_function.deploy.function_name}"
}
