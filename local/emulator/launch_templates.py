"""Versions of launch templates that build on another one, and images by SSM parameter, which moto ignores.

AWS (CreateLaunchTemplateVersion): with `SourceVersion` the new version inherits the launch parameters of that version, and what is given besides
overwrites them; without it the new version has only what is given. A template's default version stays the first until ModifyLaunchTemplate.
DescribeLaunchTemplateVersions with `ResolveAlias` shows the image that the parameter of a template names, and without it the parameter; it takes that for one
version of one template only (users report so, https://github.com/wata727/packer-plugin-amazon-ami-management/pull/431).
"""

from __future__ import annotations

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response
from moto.ssm.models import ssm_backends

from .moto_bridge import ACCOUNT
from .patching import replace

_BY_PARAMETER = "resolve:ssm:"


def _create_version(create):
    def create_launch_template_version(self):
        number = self._get_param("SourceVersion")
        answer = create(self)
        if number:
            made = answer.result["LaunchTemplateVersion"]
            template = self.ec2_backend.get_launch_template(made["LaunchTemplateId"])
            given = template.versions.pop()
            version = template.create_version({**template.get_version(number).data, **given.data}, given.description)
            made["LaunchTemplateData"] = version.data
        return answer

    return create_launch_template_version


def _describe_versions(describe):
    def describe_launch_template_versions(self):
        resolve = self._get_bool_param("ResolveAlias", False)
        if resolve and len(self._get_param("Versions", [])) != 1:
            raise EC2ClientError("InvalidParameterCombination", "ResolveAlias is for one version of a launch template.")
        answer = describe(self)
        if resolve:
            for version in answer.result["LaunchTemplateVersions"]:
                version["LaunchTemplateData"] = _resolved(version["LaunchTemplateData"], self.region)
        return answer

    return describe_launch_template_versions


def _resolved(data: dict, region: str) -> dict:
    image = str(data.get("ImageId") or "")
    if not image.startswith(_BY_PARAMETER):
        return data
    parameter = ssm_backends[ACCOUNT][region].get_parameter(image.removeprefix(_BY_PARAMETER))
    if not parameter:
        raise EC2ClientError("InvalidParameterValue", f"The parameter of {image} does not exist.")
    return {**data, "ImageId": parameter.value}


def install() -> None:
    replace(EC2Response, "create_launch_template_version", _create_version(EC2Response.create_launch_template_version))
    replace(EC2Response, "describe_launch_template_versions", _describe_versions(EC2Response.describe_launch_template_versions))
