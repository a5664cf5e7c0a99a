#!/usr/bin/python3
"""Serves an FLV file at /cam with the real gst-rtsp-server, from its beginning to each player, until standard input ends.

Prints the port it listens on. Password: me, pass. Debian has what it takes in python3-gi, gir1.2-gst-rtsp-server-1.0, glib-networking and in
the base, good and bad gstreamer1.0-plugins.
"""

import argparse
import os
import sys

import gi

for namespace in "Gst", "GstRtsp", "GstRtspServer":
    gi.require_version(namespace, "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer

parser = argparse.ArgumentParser()
parser.add_argument("file")
parser.add_argument("--auth", choices=["basic", "digest"])
parser.add_argument("--transport", choices=["TCP", "UDP", "UDP_MCAST"], default="UDP")
parser.add_argument("--timeout", type=int, default=60, help="seconds after which a session without requests ends")
parser.add_argument("--tls", help="PEM file of a certificate and its key; then there is no authentication")
args = parser.parse_args()

Gst.init(None)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    f"filesrc location={args.file} ! flvdemux ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 mtu=1200"
)
factory.set_protocols(getattr(GstRtsp.RTSPLowerTrans, args.transport))
pool = GstRtspServer.RTSPAddressPool()
pool.add_range("239.5.0.1", "239.5.0.9", 5000, 5099, 1)
factory.set_address_pool(pool)

server = GstRtspServer.RTSPServer(address="0.0.0.0", service="0")
if args.auth or args.tls:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "player")
    if args.tls:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(args.tls))
        auth.set_default_token(token)
    elif args.auth == "basic":
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic("me", "pass"), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest("me", "pass", token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("player", "media.factory.access", True)
    permissions.add_permission_for_role("player", "media.factory.construct", True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory("/cam", factory)


def limit(_, session):
    session.set_timeout(args.timeout)
    session.props.extra_timeout = 1  # second


server.connect("client-connected", lambda _, client: client.connect("new-session", limit))
GLib.timeout_add(100, lambda: server.get_session_pool().cleanup() >= 0)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, lambda *_: os._exit(0))
GLib.MainLoop().run()
