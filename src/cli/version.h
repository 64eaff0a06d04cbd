/* version.h - what --version prints: version, commit and target, in one line. */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

extern const char version_line[];

#endif
