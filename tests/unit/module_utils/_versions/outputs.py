"""What real programs and files said, each with the place where it was recorded."""

from __future__ import annotations

# Public logs of machines with these drivers, and amazon-eks-ami's issue threads for the proprietary one.
NVIDIA_OPEN = """\
NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (dvs-builder@U22-I3-B17-02-5)  Tue Sep 23 09:55:41 UTC 2025
GCC version:  gcc version 11.4.0 (Ubuntu 11.4.0-1ubuntu1~22.04.2)
"""  # noqa: E501
NVIDIA_PROPRIETARY = """\
NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.161.08  Sat Feb 24 06:20:49 UTC 2024
GCC version:  gcc version 11.4.0 (Ubuntu 11.4.0-1ubuntu1~22.04)
"""
# Form: nvidia's proc interface; the model as in the EFA cheat sheet of aws-samples/awsome-distributed-training.
GPU_INFORMATION = """\
Model: \t\t NVIDIA A100-SXM4-80GB
IRQ:   \t\t 236
GPU UUID: \t GPU-370ec676-e407-3115-836a-8ebcb3c4f62a
Bus Location: \t 0000:10:1c.0
"""
# NVIDIA's tests of a health checker, and a public log of 2026.
FABRIC_MANAGER = "\n\n\n\tFabric Manager version is : 535.161.08\n\n"
FABRIC_MANAGER_BUILD = (
    "Fabric Manager version is : 610.57.04\nBuild Info - Branch: rel/gpu_drv/r610/r610_85-4, Changelist: 0"
)
# Public logs of toolkits 13.1.1 and 12.1, of which the second holds the date of its build.
CUDA_JSON = """\
{
   "cuda" : {
      "name" : "CUDA SDK",
      "version" : "13.1.1"
   }
}
"""
CUDA_JSON_DATED = '{"cuda" : {"name" : "CUDA SDK", "version" : "12.1.20230222"}, "cuda_gdb" : {"version" : "12.1.55"}}'
CUDA_TEXT = "CUDA Version 10.2.89\n"
NVCC = """\
nvcc: NVIDIA (R) Cuda compiler driver
Copyright (c) 2005-2025 NVIDIA Corporation
Built on Wed_Aug_20_01:58:59_PM_PDT_2025
Cuda compilation tools, release 13.0, V13.0.88
Build cuda_13.0.r13.0/compiler.36424714_0
"""
# NVIDIA/nccl, src/nccl.h.in, as it is filled in.
NCCL_HEADER = """\
#define NCCL_MAJOR 2
#define NCCL_MINOR 27
#define NCCL_PATCH 7
#define NCCL_SUFFIX ""

#define NCCL_VERSION_CODE 22707
#define NCCL_VERSION(X,Y,Z) (((X) <= 2 && (Y) <= 8) ? (X) * 1000 + (Y) * 100 + (Z) : (X) * 10000 + (Y) * 100 + (Z))
"""
# aws/aws-parallelcluster-cookbook, pull request 1882 (el8); aws/aws-ofi-nccl, issue 141 (Ubuntu). Both shortened.
EFA_RPM = """\
# EFA installer version: 1.22.0
# Debug packages installed: no
# Packages installed:
efa-config-1.13-1.el8.noarch efa-profile-1.5-1.el8.noarch libfabric-aws-1.17.0-1.el8.x86_64 openmpi40-aws-4.1.5-1.x86_64
"""
EFA_DEB = """\
# EFA installer version: 1.17.2
# Debug packages installed: no
# Packages installed:
efa-config_1.10_all efa-profile_1.5_all libfabric-aws-bin_1.16.0~amzn3.0_amd64 libfabric1-aws_1.16.0~amzn3.0_amd64
"""
# Public logs; EFA installer 1.50.0 for the second.
FI_INFO = "fi_info: 2.1.0\nlibfabric: 2.1.0\nlibfabric api: 2.1\n"
FI_INFO_AWS = "fi_info: 2.6.0amzn1.0\nlibfabric: 2.6.0amzn1.0\nlibfabric api: 2.6\n"
# ofiwg/libfabric, libfabric.pc.in, as it is filled in.
LIBFABRIC_PC = (
    "Name: libfabric\nDescription: OFI-WG libfabric\nURL: https://github.com/ofiwg/libfabric\nVersion: 1.22.0amzn4.0\n"
)
# `strings` of the plugin, as in gists and threads of aws/aws-ofi-nccl; the third was built of no release.
OFI_PLUGIN = b"\0NET/OFI Initializing aws-ofi-nccl 1.16.3\0aws-ofi-nccl 1.16.3\0"
OFI_PLUGIN_OLD = b"\0Initializing aws-ofi-nccl 1.7.3-aws\0"
OFI_PLUGIN_HEAD = b"\0NET/OFI Initializing aws-ofi-nccl GitHub-dev\0"
# NVIDIA/DCGM, issue 314, and the log that it quotes.
DCGMI = "dcgmi  version: 4.7.0\n"
# Debian 12's slurm-wlm; the header of a build of 24.11.5 has this form (configure prints it as %02x%02x%02x).
SLURM = "slurm-wlm 22.05.8\n"
SLURM_SOURCE = "slurm 24.11.5\n"
SLURM_HEADER = "#define SLURM_VERSION_NUMBER 0x180b05\n"
ENROOT = "3.5.0\n"
DOCKER = "Docker version 29.2.1, build a5c7197\n"
NVIDIA_CTK = "NVIDIA Container Toolkit CLI version 1.19.0\ncommit: ec7b4e2fa2caecad6d89be4a26029b831fe7503a\n"
LFS = "lfs 2.15.6\n"
AWS_CLI = "aws-cli/2.17.20 Python/3.11.9 Linux/6.1.0-50-cloud-amd64 exe/x86_64.debian.12\n"
# Packages and versions as dpkg lists them in public logs, in the form of its status file.
DPKG = """\
Package: libnccl2
Status: install ok installed
Version: 2.27.7-1+cuda12.9

Package: datacenter-gpu-manager-4-core
Status: install ok installed
Version: 1:4.6.1-1

Package: datacenter-gpu-manager-4-cuda13
Status: hold ok installed
Version: 1:4.6.1-1

Package: nvidia-dkms-580-open
Status: install ok installed
Version: 580.126.20-1ubuntu1

Package: libfabric1-aws
Status: install ok installed
Version: 2.4.0amzn3.0

Package: docker.io
Status: install ok installed
Version: 20.10.24+dfsg1-1+deb12u1+b5

Package: enroot
Status: deinstall ok config-files
Version: 3.5.0-1
"""
