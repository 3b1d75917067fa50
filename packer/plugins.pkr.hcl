# For Packer 1.7 and newer: `packer init plugins.pkr.hcl` once fetches what `packer build gpu-ami.pkr.hcl` needs.
# It stands apart because Debian's Packer 1.6.6, which has every plugin built in, does not know this block.
packer {
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.2.2"
    }
    ansible = {
      source  = "github.com/hashicorp/ansible"
      version = ">= 1.1.0"
    }
    docker = {
      source  = "github.com/hashicorp/docker"
      version = ">= 1.0.0"
    }
  }
}
