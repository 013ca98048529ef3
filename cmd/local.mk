EXTRA_DIST += cmd/cmd.h cmd/opt.h
