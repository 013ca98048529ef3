/* moss-transfer fetch: the program that speaks with registries; see engine/transfer/proto.h. */
#include "engine/transfer/roles.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "fetch") != 0) {
		fputs("moss-transfer is a part of moss and is started by it\n", stderr);
		return 2;
	}
	role_main("moss-transfer", fetch_role_run);
}
