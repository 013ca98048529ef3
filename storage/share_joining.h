/* share_joining: the times of the folders of a recorded layer in which files are being replaced by
 * equal ones (storage/share_link.h, is_recorded).
 *
 * A replaced entry changes the time of its folder, and setting that back is a step of its own. A
 * layer that has no record yet goes to the trash when a kill comes between the two; one that has it
 * must stay what it was. So the times are in layers/<short>/joining, durable, before the first
 * folder changes, until all are set back.
 */
#ifndef STORAGE_SHARE_JOINING_H
#define STORAGE_SHARE_JOINING_H

struct err;
struct strv;

#define SHARE_JOINING "joining"

/* Notes these files (paths below diff/) and the times of their folders. Not durable yet: that is
 * the caller's. */
int share_joining_note(int layers_fd, const char *layer, const struct strv *paths, struct err *e);
/* Sets the times back, takes a name away that was made and not used (SHARE_LINK_TEMP), and then the
 * note; without one there is nothing to do. 1 where that name is one of a file that a layer of
 * `busy` has: it has to wait, and the note stays. In the user namespace, with locks/share. */
int share_joining_settle(int layers_fd, const char *layer, const struct strv *busy, struct err *e);

#endif
