# A container image for training jobs, by the walk that makes AMIs: packer build -var image=IMAGE training-container.pkr.hcl
# Any program that answers to `docker` on the PATH will do, podman's too. docs/images.md is the manual. What stands in gpu-ami.pkr.hcl,
# too, cannot be shared: a file that Packer builds by its name is read alone.

# What: the image to build on, which must be of the system that `platform` names in catalog/platforms.yml.
variable "image" { default = "docker.io/library/ubuntu:24.04" }
variable "platform" { default = "ubuntu2404" }
variable "profile" { default = "training_container" }
variable "extra_vars" { default = "{}" }
variable "commit" { default = "" }

# How it is called, and how Ansible reaches the container while it is built.
variable "repository" { default = "awsome-training" }
variable "connection" { default = "community.docker.docker" }
variable "pull" {
  type    = bool
  default = true
}
variable "run_command" {
  type    = list(string)
  default = ["-d", "-i", "-t", "--entrypoint=/bin/sh", "--", "{{.Image}}"]
}

locals {
  profiles = yamldecode(file("${path.root}/../catalog/profiles.yml"))
  platform = yamldecode(file("${path.root}/../catalog/platforms.yml"))
  # A file that is not there is the one way to say why a build cannot begin.
  refused = [for why in compact([
    contains(keys(local.platform), var.platform) ? "" : "catalog/platforms.yml has no platform ${var.platform}",
    contains(keys(local.profiles), var.profile) ? "" : "catalog/profiles.yml has no profile ${var.profile}",
  ]) : file("ERROR: ${why}")]

  groups = lookup(lookup(local.profiles, var.profile, {}), "functions", [var.profile])
  built  = timestamp()
  tag    = "${var.profile}-${var.platform}-${formatdate("YYYYMMDD-hhmm", local.built)}"
  head   = try(trimspace(file("${path.root}/../.git/HEAD")), "")
  commit = var.commit == "" ? try(trimspace(file("${path.root}/../.git/${trimprefix(local.head, "ref: ")}")), local.head) : var.commit
}

source "docker" "training_container" {
  image       = var.image
  pull        = var.pull
  commit      = true
  run_command = var.run_command
  changes     = ["LABEL org.opencontainers.image.revision=${local.commit}", "ENTRYPOINT []", "CMD [\"/bin/bash\"]"]
}

build {
  sources = ["source.docker.training_container"]

  # What Ansible needs on its other side.
  provisioner "shell" {
    inline = [
      "command -v apt-get && apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y python3 python3-apt ca-certificates || true",
      "command -v dnf && dnf install -q -y python3 ca-certificates || true",
      "python3 --version"
    ]
  }

  # By the container's own connection: Packer's ansible provisioner has only SSH through a proxy of its own, whose keys OpenSSH refuses.
  provisioner "shell-local" {
    environment_vars = ["ANSIBLE_CONFIG=${path.root}/../ansible.cfg"]
    inline = [
      "printf '%s\\n' '[bake]' 'image ansible_connection=${var.connection} ansible_host=${build.ID} ansible_user=root' >'${local.tag}.inventory'",
      "for group in ${join(" ", local.groups)}; do printf '%s\\n' \"[$group:children]\" bake >>'${local.tag}.inventory'; done",
      "ansible-playbook -i '${local.tag}.inventory' '${path.root}/../playbooks/image.yml' '--extra-vars=${jsonencode({
        image_prove = true, node_profile = var.profile, image_platform = var.platform, image_name = local.tag, image_commit = local.commit
        image_built = local.built, verify_result_path = "${path.cwd}/${local.tag}.verify.json"
      })}' '--extra-vars=${var.extra_vars}'",
    ]
  }

  post-processors {
    post-processor "docker-tag" {
      repository = var.repository
      tag        = [local.tag]
    }
    post-processor "manifest" {
      output = "${local.tag}.manifest.json"
    }
  }
}
