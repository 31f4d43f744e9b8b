import ArgumentParser
import Training

/// `saddle report`.
struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Write a page with the result, curves and pictures of a run; of several, also a comparison.",
        discussion: """
            Writes RUN/report.html and RUN/images/*.png for every run, finished or not, and prints the path of \
            the page: the report, or for several runs the comparison.

            Example:
              saddle report runs/digits-product
              saddle report runs/digits-product runs/digits-mixture --output comparison.html
            """)

    @Argument(help: ArgumentHelp("Run directories.", valueName: "run"))
    var runs: [String]

    @Option(
        help: ArgumentHelp(
            "The page to write; by default report.html in the run directory, for several runs "
                + "comparison.html in the first.", valueName: "file"))
    var output: String?

    func run() throws {
        try finish {
            reportingErrors {
                print(try writeReports(of: runs, output: output))
                return 0
            }
        }
    }
}
