/* intent: a list, in a staging folder, of paths in the store that may be without a record.
 *
 * Who puts layers or blobs in place ahead of their rows, or takes rows away ahead of the files,
 * writes the paths here first. intent_settle then moves to the trash whatever has no row: called
 * by the writer itself at the end, whichever way it went, or by the next command if it was killed.
 */
#ifndef STORAGE_INTENT_H
#define STORAGE_INTENT_H

struct err;
struct store;
struct strv;

/* Lines "layers/<short>", "blobs/sha256/<hex>", "volumes/<name>"; replaces what was written before.
 * "undo/<id>" likewise; "keep <id> volumes/<name>" is put where the rows say (storage/keep.h);
 * "back <digest> layers/<short>" goes back to parts/<digest>.layer instead of to the trash;
 * "containers/<id>" is settled (storage/upper.h), never moved. */
int intent_write(struct store *s, const char *stage, const struct strv *paths, struct err *e);
/* stage: the staging folder's path or its last part. */
int intent_settle(struct store *s, const char *stage, struct err *e);
/* Ends the staging of a writer whose paths all have their rows: nothing is to be moved. */
void intent_forget(struct store *s, const char *stage, int lock_fd);
/* Settles and ends the staging; takes lock_fd. Within a transaction that is put off until
 * store_settle. Where it fails, the folder stays for the next command. */
void intent_end(struct store *s, const char *stage, int lock_fd);

#endif
