# What the MPI operator needs in an image, on that of a release: Open MPI, an sshd that a user without rights can run, and pkill for preStop.
#   docker build -t xkd-gpu-mpi -f configs/k8s/mpi.Dockerfile configs/k8s      [--build-arg BASE=xkd for the CPU]
ARG BASE=xkd-gpu
FROM ${BASE}
RUN apt-get update -q && \
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends openmpi-bin openssh-client openssh-server procps && \
    rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_* && \
    useradd --uid 10001 --create-home --shell /bin/bash xkd
# The operator mounts the keys at .ssh; they belong to root, and are new in each MPIJob.
RUN printf '%s\n' 'Port 2222' 'HostKey /home/xkd/.ssh/id_rsa' 'PidFile none' 'StrictModes no' 'PasswordAuthentication no' >/home/xkd/.sshd_config && \
    printf '%s\n' 'Host *' '  Port 2222' '  StrictHostKeyChecking no' '  UserKnownHostsFile /dev/null' '  LogLevel ERROR' >/etc/ssh/ssh_config.d/xkd.conf
USER 10001
ENTRYPOINT []
