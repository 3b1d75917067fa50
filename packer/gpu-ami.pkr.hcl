# An image that has proved itself: packer build -var profile=gpu -var platform=ubuntu2404 gpu-ami.pkr.hcl
# docs/images.md is its manual. It holds only what Debian's Packer 1.6.6 and the current one both know.

# What: a profile of catalog/profiles.yml, on a row of catalog/platforms.yml. Empty strings ask the catalogue, or git.
variable "profile" { default = "gpu" }
variable "platform" { default = "ubuntu2404" }
variable "arch" { default = "x86_64" }
variable "release" { default = "" }
variable "name" { default = "" }
variable "commit" { default = "" }
variable "extra_vars" { default = "{}" }
variable "tags" {
  type    = map(string)
  default = {}
}
# Where: `network` may hold subnet_id, security_group_id, iam_instance_profile, ssh_interface and ssh_cidr, who may reach the build.
variable "region" { default = "us-east-1" }
variable "instance_type" { default = "" }
variable "volume_gib" { default = "" }
variable "network" {
  type    = map(string)
  default = {}
}
# For whom: the accounts that may launch the image, its key, and the regions to copy it to with their keys (or "").
variable "kms_key_id" { default = "" }
variable "ami_users" {
  type    = list(string)
  default = []
}
variable "ami_regions" {
  type    = map(string)
  default = {}
}

# For a trial without AWS: endpoint, ssh_host, ssh_user, ssh_key and ssh_key_name stand for EC2 and for the instance.
variable "trial" {
  type    = map(string)
  default = {}
}

locals {
  platforms = yamldecode(file("${path.root}/../catalog/platforms.yml"))
  profiles  = yamldecode(file("${path.root}/../catalog/profiles.yml"))
  pins      = yamldecode(file("${path.root}/../catalog/components.yml"))
  row       = lookup(local.platforms, var.platform, local.platforms["debian12"])
  base      = lookup(local.platforms, lookup(local.row, "base", ""), {})
  profile   = lookup(local.profiles, var.profile, { roles = [] })
  # A file that is not there is the one way to say why a build cannot begin.
  refused = [for why in compact([
    contains(keys(local.platforms), var.platform) ? "" : "catalog/platforms.yml has no platform ${var.platform}",
    contains(keys(local.profiles), var.profile) ? "" : "catalog/profiles.yml has no profile ${var.profile}",
    contains(keys(local.row.image.name), var.arch) ? "" : "${var.platform} has no image for the architecture ${var.arch}",
  ]) : file("ERROR: ${why}")]
  user     = lookup(var.trial, "ssh_user", lookup(local.row, "user", lookup(local.base, "user", "")))
  release  = var.release == "" ? lookup(local.row.image, "release", "") : var.release
  endpoint = lookup(var.trial, "endpoint", "")
  rekeyed  = length(compact(values(var.ami_regions))) > 0
  built    = timestamp()
  name     = var.name == "" ? "awsome-${var.profile}-${var.platform}-${var.arch}-${formatdate("YYYYMMDD-hhmm", local.built)}" : var.name
  head     = try(trimspace(file("${path.root}/../.git/HEAD")), "") # a commit, or the name of the file that holds it
  commit   = var.commit == "" ? try(trimspace(file("${path.root}/../.git/${trimprefix(local.head, "ref: ")}")), local.head) : var.commit
  # Slurm is the distribution's, unless a variable says otherwise: image.json alone can tell its version.
  versions = { for role in local.profile.roles : "awsome:${role}" => local.pins[role].version if contains(keys(local.pins), role) && role != "slurm" }
  tags = merge(local.versions, {
    "Name" = local.name, "awsome:profile" = var.profile, "awsome:platform" = var.platform, "awsome:commit" = local.commit
  }, var.tags)
}

source "amazon-ebs" "machine" {
  region        = var.region
  instance_type = var.instance_type == "" ? local.row.image.build_on[var.arch] : var.instance_type
  ami_name      = local.name
  tags          = local.tags
  run_tags      = { "Name" = "build of ${local.name}" }
  snapshot_tags = local.tags
  source_ami_filter {
    most_recent = true
    owners      = [local.row.image.owner]
    filters = {
      name                = replace(lookup(local.row.image.name, var.arch, ""), "{release}", local.release)
      architecture        = var.arch == "aarch64" ? "arm64" : var.arch
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }

  # Encrypted from the first byte, so the image is, too. With a key for each region it is encrypted anew.
  launch_block_device_mappings {
    device_name           = local.row.image.root_device
    volume_size           = var.volume_gib == "" ? local.row.image.size_gib : var.volume_gib
    volume_type           = "gp3"
    throughput            = 250
    iops                  = 3000
    encrypted             = true
    kms_key_id            = var.kms_key_id
    delete_on_termination = true
  }
  encrypt_boot       = local.rekeyed ? true : null
  kms_key_id         = local.rekeyed ? var.kms_key_id : ""
  ami_users          = var.ami_users
  ami_regions        = keys(var.ami_regions)
  region_kms_key_ids = local.rekeyed ? var.ami_regions : {}

  ssh_username                          = local.user
  ssh_timeout                           = "10m"
  ssh_interface                         = lookup(var.network, "ssh_interface", "")
  subnet_id                             = lookup(var.network, "subnet_id", "")
  security_group_id                     = lookup(var.network, "security_group_id", "")
  iam_instance_profile                  = lookup(var.network, "iam_instance_profile", "")
  temporary_security_group_source_cidrs = compact([lookup(var.network, "ssh_cidr", "")])

  custom_endpoint_ec2        = local.endpoint
  skip_region_validation     = local.endpoint != ""
  skip_metadata_api_check    = local.endpoint != ""
  skip_credential_validation = local.endpoint != ""
  ssh_host                   = lookup(var.trial, "ssh_host", "")
  ssh_keypair_name           = lookup(var.trial, "ssh_key_name", "")
  ssh_private_key_file       = lookup(var.trial, "ssh_key", "")
}

build {
  sources = ["source.amazon-ebs.machine"]

  provisioner "shell-local" {
    inline = ["python3 ${path.root}/imds.py instance ${build.ID} ${var.region} ${local.endpoint}"]
  }

  provisioner "ansible" {
    playbook_file    = "${path.root}/../playbooks/image.yml"
    use_proxy        = false
    user             = local.user
    host_alias       = "image"
    groups           = concat(["bake"], try(local.profile.functions, [var.profile]))
    ansible_env_vars = ["ANSIBLE_CONFIG=${path.root}/../ansible.cfg", "ANSIBLE_HOST_KEY_CHECKING=False"]
    extra_arguments = ["--extra-vars=${jsonencode({
      image_prove = true, node_profile = var.profile, image_platform = var.platform, image_name = local.name, image_commit = local.commit
      image_built = local.built, verify_result_path = "${path.cwd}/${local.name}.verify.json"
    })}", "--extra-vars=${var.extra_vars}"]
  }

  post-processors {
    post-processor "manifest" {
      output      = "${local.name}.manifest.json"
      custom_data = { profile = var.profile, platform = var.platform, commit = local.commit }
    }
    post-processor "shell-local" {
      inline = ["python3 ${path.root}/imds.py image ${local.name}.manifest.json ${local.endpoint}"]
    }
  }
}
