/** What a person can type. */
@NullMarked
package dev.skerry.cli.command;

import org.jspecify.annotations.NullMarked;
