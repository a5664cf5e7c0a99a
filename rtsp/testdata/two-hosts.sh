#!/bin/sh
# Runs a command on a host of its own, 10.4.0.1, whose loopback interface takes multicast, with another host, 10.4.0.2, on its network:
# "nsenter --net=/proc/self/fd/9" runs commands there. Both are network namespaces, and gone when the command is. It takes root, and
# Debian's util-linux and iproute2.
set -e
case $1 in
two)
	shift
	# The address gets a scope in which it can be the source of multicast; that of the host is too small.
	ip addr add 127.0.0.1/8 dev lo scope global
	ip link set lo up multicast on
	ip route add 224.0.0.0/4 dev lo
	ip link add net type veth peer name net netns /proc/self/fd/9
	ip addr add 10.4.0.1/24 dev net
	ip link set net up
	nsenter --net=/proc/self/fd/9 ip addr add 10.4.0.2/24 dev net
	nsenter --net=/proc/self/fd/9 ip link set net up
	nsenter --net=/proc/self/fd/9 ip route add 224.0.0.0/4 dev net
	exec "$@"
	;;
one)
	shift
	exec 9</proc/self/ns/net
	exec unshare --net "$0" two "$@"
	;;
esac
exec unshare --net "$0" one "$@"
