/* scope: resources that are let go at the end of the block that declares them.
 *
 * Initialise at the declaration (NULL, -1); hand over with take_ptr or take_fd on the success
 * line. The destructors accept NULL and -1 and keep errno. A type of our own brings its auto_X
 * beside its X_free. Undo of the outside world (a mount, a record, a folder) is visible code.
 */
#ifndef BASE_SCOPE_H
#define BASE_SCOPE_H

#include <dirent.h>
#include <stdio.h>

void scope_free(void *pp);
void scope_close(int *fd);
void scope_fclose(FILE **f);
void scope_closedir(DIR **d);

#define auto_free __attribute__((cleanup(scope_free)))
#define auto_fd __attribute__((cleanup(scope_close))) int
#define auto_file __attribute__((cleanup(scope_fclose))) FILE *
#define auto_dir __attribute__((cleanup(scope_closedir))) DIR *

#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(p) *take_p_ = &(p);                                                     \
		__typeof__(p) take_v_ = *take_p_;                                                  \
		*take_p_ = NULL;                                                                   \
		take_v_;                                                                           \
	})
#define take_fd(fd)                                                                                \
	({                                                                                         \
		int *take_p_ = &(fd);                                                              \
		int take_v_ = *take_p_;                                                            \
		*take_p_ = -1;                                                                     \
		take_v_;                                                                           \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
