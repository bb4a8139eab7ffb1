"""Versions of launch templates that build on another one, which moto ignores.

AWS (CreateLaunchTemplateVersion): with `SourceVersion` the new version inherits the launch parameters of that version, and what is given besides
overwrites them; without it the new version has only what is given. A template's default version stays the first until ModifyLaunchTemplate.
"""

from __future__ import annotations

from moto.ec2.responses import EC2Response

from .patching import replace


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


def install() -> None:
    replace(EC2Response, "create_launch_template_version", _create_version(EC2Response.create_launch_template_version))
