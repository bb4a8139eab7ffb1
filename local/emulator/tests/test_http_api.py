import json
import unittest
import urllib.error
import urllib.request
from functools import cache

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from . import support as s


@cache
def api() -> str:
    """The id of an API with GET and POST /clusters and GET /clusters/{cluster}, each with AWS_IAM."""
    gateway = s.client("apigatewayv2")
    name = s.function("exports.handler = async (event) => ({ statusCode: event.body === '403' ? 403 : 200, body: JSON.stringify(event) });")
    api_id = gateway.create_api(Name="test", ProtocolType="HTTP")["ApiId"]
    integration = gateway.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        PayloadFormatVersion="2.0",
        IntegrationUri=f"arn:aws:lambda:{s.REGION}:{s.ACCOUNT}:function:{name}",
    )["IntegrationId"]
    for key in ("GET /clusters", "POST /clusters", "GET /clusters/{cluster}"):
        gateway.create_route(ApiId=api_id, RouteKey=key, Target=f"integrations/{integration}", AuthorizationType="AWS_IAM")
    gateway.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    return api_id


def call(path: str, key: str | None = "test", secret: str = "test", method: str = "GET", body: bytes | None = None) -> tuple[int, object]:
    request = AWSRequest(method, f"{s.endpoint()}/_aws/execute-api/{api()}{path}", data=body, headers={"Content-Type": "application/json"})
    if key:
        SigV4Auth(Credentials(key, secret), "execute-api", s.REGION).add_auth(request)
    prepared = request.prepare()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(prepared.url, data=body, headers=dict(prepared.headers), method=method), timeout=10
        ) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def user(*statements: dict) -> tuple[str, str]:
    name = s.unique("user")
    s.client("iam").create_user(UserName=name)
    if statements:
        s.client("iam").put_user_policy(
            UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        )
    made = s.client("iam").create_access_key(UserName=name)["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


FORBIDDEN = (403, {"message": "Forbidden"})


class HttpApi(unittest.TestCase):
    def test_the_root_key_may_call_everything(self):
        status, event = call("/clusters?limit=2")
        self.assertEqual((status, event["rawPath"], event["queryStringParameters"]), (200, "/clusters", {"limit": "2"}))

    def test_unsigned_and_wrongly_signed_calls_are_forbidden(self):
        self.assertEqual(call("/clusters", None), FORBIDDEN)
        self.assertEqual(call("/clusters", "test", "wrong"), FORBIDDEN)
        self.assertEqual(call("/clusters", "AKIAUNKNOWN000000000", "x"), FORBIDDEN)
        key, _ = user({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"})
        self.assertEqual(call("/clusters", key, "wrong"), FORBIDDEN)

    def test_a_user_may_call_what_the_policies_allow_and_the_function_knows_who_it_is(self):
        allowed = f"arn:aws:execute-api:{s.REGION}:{s.ACCOUNT}:{api()}/$default/GET/clusters/blue"
        key, secret = user({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": allowed})
        status, event = call("/clusters/blue", key, secret)
        self.assertEqual(status, 200)
        self.assertRegex(event["requestContext"]["authorizer"]["iam"]["userArn"], r":user/user-")
        self.assertEqual(call("/clusters/green", key, secret), FORBIDDEN)
        self.assertEqual(call("/clusters", key, secret, "POST", b"{}"), FORBIDDEN)

    def test_a_functions_own_403_passes_through(self):
        self.assertEqual(call("/clusters", method="POST", body=b"403")[0], 403)
        self.assertIn("requestContext", call("/clusters", method="POST", body=b"403")[1])

    def test_a_body_over_ten_megabytes_is_too_large(self):
        self.assertEqual(
            call("/clusters", method="POST", body=b" " * (10 * 1024 * 1024 + 1)), (413, {"message": "Request Entity Too Large"})
        )

    def test_a_path_without_a_route_is_not_found(self):
        self.assertEqual(call("/nothing"), (404, {"message": "Not Found"}))


if __name__ == "__main__":
    unittest.main()
