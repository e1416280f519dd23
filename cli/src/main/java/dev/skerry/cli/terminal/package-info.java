/** How Skerry speaks to the person, or the script, at the other end. */
@NullMarked
package dev.skerry.cli.terminal;

import org.jspecify.annotations.NullMarked;
