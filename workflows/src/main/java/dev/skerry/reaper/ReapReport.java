package dev.skerry.reaper;

import java.util.List;

/** What a sweep found and did: at the records of sessions, and metro by metro. */
public record ReapReport(boolean dryRun, SessionsReport sessions, List<MetroReport> metros) {
    /** Whether everything could be judged, and everything that was to be ended was. */
    public boolean complete() {
        return sessions.complete() && metros.stream().allMatch(MetroReport::complete);
    }

    /**
     * Sessions whose workflow an operator ended or deleted by force.
     *
     * @param seen records of sessions that go on and have been quiet for long enough
     * @param abandoned those whose workflow is closed or deleted, at most as many as the order allows
     * @param closed how many records were closed
     * @param failure why none was closed, empty when all could be judged
     * @param refused which could not be closed, and why; none from a worker that did not count them
     */
    public record SessionsReport(int seen, List<String> abandoned, int closed, String failure, List<String> refused) {
        public SessionsReport {
            refused = refused == null ? List.of() : refused;
        }

        public int failed() {
            return refused.size();
        }

        boolean complete() {
            return failure.isEmpty() && refused.isEmpty();
        }
    }

    /**
     * One metro's share.
     *
     * @param seen VMs of this installation
     * @param kept those that a living session owns, or that are too young to judge
     * @param orphans names of those that nobody owns, at most as many as the order allows
     * @param reclaimed how many were destroyed
     * @param failure why nothing was destroyed here, empty when every metro could be judged
     * @param refused which could not be destroyed, and why; none from a worker that did not count them
     */
    public record MetroReport(
            String metro,
            int seen,
            int kept,
            List<String> orphans,
            int reclaimed,
            String failure,
            List<String> refused) {
        public MetroReport {
            refused = refused == null ? List.of() : refused;
        }

        public int failed() {
            return refused.size();
        }

        boolean complete() {
            return failure.isEmpty() && refused.isEmpty();
        }
    }
}
