package dev.skerry.reaper;

import java.util.List;

/** What a sweep found and did, metro by metro. */
public record ReapReport(boolean dryRun, List<MetroReport> metros) {
    /**
     * One metro's share.
     *
     * @param seen VMs of this installation
     * @param kept those that a living session owns, or that are too young to judge
     * @param orphans names of those that nobody owns, at most as many as the order allows
     * @param reclaimed how many were destroyed
     * @param failure why nothing was destroyed here, empty when the metro could be judged
     */
    public record MetroReport(String metro, int seen, int kept, List<String> orphans, int reclaimed, String failure) {}
}
