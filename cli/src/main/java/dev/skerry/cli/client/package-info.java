/** The public API as the command line sees it. */
@NullMarked
package dev.skerry.cli.client;

import org.jspecify.annotations.NullMarked;
