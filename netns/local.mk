noinst_LIBRARIES += libnetns.a
libnetns_a_SOURCES = \
	netns/slirp.c netns/slirp.h \
	netns/udp_relay.c netns/udp_relay.h
