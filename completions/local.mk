bashcompletiondir = $(BASH_COMPLETION_DIR)
zshcompletiondir = $(ZSH_COMPLETION_DIR)
fishcompletiondir = $(FISH_COMPLETION_DIR)
nodist_bashcompletion_DATA = completions/moss
dist_zshcompletion_DATA = completions/_moss
dist_fishcompletion_DATA = completions/moss.fish
EXTRA_DIST += completions/moss.bash
CLEANFILES += completions/moss

# bash looks for a file with the command's name.
completions/moss: completions/moss.bash
	$(AM_V_GEN)$(MKDIR_P) completions && cp $(srcdir)/completions/moss.bash $@

if DOCKER_LINK
# The same under the link's name.
nodist_bashcompletion_DATA += completions/docker
nodist_zshcompletion_DATA = completions/_docker
nodist_fishcompletion_DATA = completions/docker.fish
CLEANFILES += completions/docker completions/_docker completions/docker.fish
DOCKER_NAMED = sed -e 's/_moss moss$$/_moss docker/' -e 's/compdef moss/compdef docker/' -e 's/-c moss /-c docker /'

completions/docker: completions/moss.bash
	$(AM_V_GEN)$(MKDIR_P) completions && $(DOCKER_NAMED) $(srcdir)/completions/moss.bash >$@

completions/_docker: completions/_moss
	$(AM_V_GEN)$(MKDIR_P) completions && $(DOCKER_NAMED) $(srcdir)/completions/_moss >$@

completions/docker.fish: completions/moss.fish
	$(AM_V_GEN)$(MKDIR_P) completions && $(DOCKER_NAMED) $(srcdir)/completions/moss.fish >$@
endif
