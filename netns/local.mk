EXTRA_DIST += netns/slirp.h
