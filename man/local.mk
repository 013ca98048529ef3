# The man pages come from the option tables: the program that was just built writes them. How many
# there are only it knows, so they are installed from a folder. A cross build has none.
MAN_FOLDER = man/man1
man1dir = $(mandir)/man1

if !CROSS_COMPILING
man/stamp: moss$(EXEEXT)
	$(AM_V_GEN)rm -rf $(MAN_FOLDER) && $(MKDIR_P) $(MAN_FOLDER) && \
		./moss$(EXEEXT) __manual --all $(MAN_FOLDER) && : >$@

all-local: man/stamp

install-data-local: man/stamp
	$(MKDIR_P) "$(DESTDIR)$(man1dir)"
	$(INSTALL_DATA) $(MAN_FOLDER)/*.1 "$(DESTDIR)$(man1dir)"

uninstall-local:
	cd $(MAN_FOLDER) && for page in *.1; do rm -f "$(DESTDIR)$(man1dir)/$$page"; done
endif

clean-local:
	rm -rf $(MAN_FOLDER) man/stamp
