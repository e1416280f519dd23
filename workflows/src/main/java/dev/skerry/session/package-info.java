/** The domain in plain types: sessions, turns, incarnations, money. */
@NullMarked
package dev.skerry.session;

import org.jspecify.annotations.NullMarked;
