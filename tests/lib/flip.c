/* flip A B: exchanges two names as fast as it can (renameat2, RENAME_EXCHANGE), until it is killed:
 * what a container does that wants to lead a copy out of its root. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	for (;;)
		if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) < 0) {
			perror("flip");
			return 1;
		}
}
