/** The one executable: every role and every client command. */
@NullMarked
package dev.skerry.cli;

import org.jspecify.annotations.NullMarked;
