/** The content of every session in Postgres: conversations, turns, events, files, money. */
@NullMarked
package dev.skerry.store;

import org.jspecify.annotations.NullMarked;
