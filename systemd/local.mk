# The user unit that starts containers after a boot. Not enabled by installing it: `moss run
# --restart` says how. (systemd looks into share/systemd/user of /usr, /usr/local and ~/.local alike.)
systemduserunitdir = $(datadir)/systemd/user
nodist_systemduserunit_DATA = systemd/moss-restart.service
EXTRA_DIST += systemd/moss-restart.service.in
CLEANFILES += systemd/moss-restart.service

# [@]: configure itself would replace the name.
systemd/moss-restart.service: systemd/moss-restart.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
		sed 's|[@]bindir[@]|$(bindir)|g' $(srcdir)/systemd/moss-restart.service.in >$@
