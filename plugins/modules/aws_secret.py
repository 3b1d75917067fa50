#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Read one value of a secret in AWS Secrets Manager, with the node's own role."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_secret
short_description: Read one value of a secret in AWS Secrets Manager
version_added: 0.3.0
description:
  - >-
    Asks the AWS command line on the node, which has the rights of the instance's role. The region is that of the ARN,
    in every partition. The answer is parsed as JSON, and so is the secret.
  - >-
    What the secret holds passes through no command line. The task needs C(no_log), since it returns the value; a
    failure is told in RV(fault), which never quotes it.
author: awsome.training contributors
options:
  arn:
    description: The ARN of the secret.
    type: str
    required: true
  key:
    description: The key of the value in the JSON object that the secret holds.
    type: str
    default: password
  program:
    description: The AWS command line, by its name or path.
    type: str
    default: aws
attributes:
  check_mode:
    description: Reads the secret as well; changes nothing anyway.
    support: full
"""

EXAMPLES = r"""
- name: Read the password of the accounting database
  awsome.training.aws_secret:
    arn: arn:aws:secretsmanager:us-west-2:111122223333:secret:slurm-AbCdEf
  register: database_secret
  no_log: true
"""

RETURN = r"""
value:
  description: What the secret holds under the key; absent where it could not be had.
  returned: success
  type: str
fault:
  description: Why it could not be had, in one sentence; empty otherwise.
  returned: always
  type: str
again:
  description: Whether the same question may have another answer later, since AWS gave none or refused.
  returned: always
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils import _aws_secret as secrets


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "arn": {"type": "str", "required": True},
            "key": {"type": "str", "default": "password", "no_log": False},
            "program": {"type": "str", "default": "aws"},
        },
        supports_check_mode=True,
    )
    again = False
    arn, program = module.params["arn"], module.params["program"]
    try:
        argv = secrets.command(arn, module.get_bin_path(program, opt_dirs=["/usr/local/bin"]) or program)
        rc, out, err = module.run_command(argv, handle_exceptions=False)
        again = rc != 0
        if again:
            said = " ".join(err.split()) or f"exit status {rc}"
            raise secrets.SecretError(f"the secret {arn} cannot be read with this node's role: {said}")
        found = secrets.value(out, module.params["key"], arn)
    except secrets.SecretError as error:
        module.exit_json(changed=False, again=again, fault=str(error))
    except OSError as error:
        module.exit_json(
            changed=False, again=False, fault=f"the secret {arn} needs the AWS command line, {program}: {error}"
        )
    module.exit_json(changed=False, again=False, fault="", value=found)


if __name__ == "__main__":
    main()
