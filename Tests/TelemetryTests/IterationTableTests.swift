import Foundation
import Telemetry
import XCTest

final class IterationTableTests: XCTestCase {
    private let names = ["left", "upper", "aesthetic_score_v2"]
    private let rows = [
        IterationRow(
            iteration: 0, objective: 12.345678, measures: [9.87654, 3, 0.0123],
            violations: [0.6, -1.25, -1e-5],
            multipliers: [1 / 3.0, 0, 123456], seconds: 0.04),
        IterationRow(
            iteration: 125, objective: -1e-7, measures: [.infinity, 0, 99999], violations: [-0.1, 0, 1],
            multipliers: [0, 1, 0.5], seconds: 37234),
    ]

    private func printed(
        width: Int, usesStyles: Bool = false, constraints: [String], extras: [String] = [],
        rows: [IterationRow],
        headerInterval: Int = 25
    ) -> String {
        var text = "\n"
        let console = Console(isTerminal: usesStyles, usesStyles: usesStyles, width: width) { text += $0 }
        var table = IterationTable(
            console: console, constraints: constraints, measure: "KL", extras: extras,
            headerInterval: headerInterval)
        for row in rows { table.print(row) }
        return text
    }

    /// The rows without their middle constraint.
    private var pairRows: [IterationRow] {
        rows.map { row in
            var pair = row
            pair.measures.remove(at: 1)
            pair.violations.remove(at: 1)
            pair.multipliers.remove(at: 1)
            return pair
        }
    }

    private static let wide = """

                           --------- KL ---------   ----- violation ------   -------- λ ---------
         iter  objective        left  aesth…re_v2        left  aesth…re_v2       left  aesth…e_v2      time
            0      12.35       9.877      0.01230      0.6000    -1.00e-05     0.3333    1.23e+05      0.0s
          125  -1.00e-07         inf     1.00e+05     -0.1000        1.000          0      0.5000    37234s

        """

    func testWideTable() {
        XCTAssertEqual(printed(width: 160, constraints: [names[0], names[2]], rows: pairRows), Self.wide)
    }

    func testNarrowerTableHasFewerDigitsAndShorterNames() {
        let expected = """

                               ------ KL ------   -- violation ---   ----- λ ------
             iter  objective      left  aes…_v2      left  aes…_v2     left  aes…v2      time
                0      12.35       9.9    0.012      0.60   -1e-05     0.33   1e+05      0.0s
              125  -1.00e-07       inf    1e+05     -0.10      1.0        0    0.50    37234s

            """
        XCTAssertEqual(printed(width: 90, constraints: [names[0], names[2]], rows: pairRows), expected)
    }

    func testTerminalOfEightyColumnsDropsTheMeasures() {
        XCTAssertEqual(
            printed(width: 80, constraints: names, rows: rows),
            """

                               ------- violation -------   --------- λ ----------
             iter  objective      left    upper  aes…_v2     left   upper  aes…v2      time
                0      12.35      0.60     -1.2   -1e-05     0.33       0   1e+05      0.0s
              125  -1.00e-07     -0.10        0      1.0        0     1.0    0.50    37234s

            """)
    }

    func testManyConstraintsLeaveTheWorst() {
        XCTAssertEqual(
            printed(width: 70, constraints: names, rows: rows),
            """

             iter  objective  violation  of                       Σλ     time
                0      12.35     0.6000  left               1.23e+05     0.0s
              125  -1.00e-07      1.000  aestheti…core_v2      1.500   37234s

            """)
    }

    /// The narrowest layout takes 62 columns when the worst constraint's name is long.
    func testNoRowIsWiderThanTheConsole() {
        for width in 64...200 {
            for count in 0...12 {
                let constraints = (0..<count).map { "constraint \($0)" }
                let row = IterationRow(
                    iteration: 99999, objective: -1.2345e-12,
                    measures: Array(repeating: -1.2345e-12, count: count),
                    violations: Array(repeating: -1.2345e-12, count: count),
                    multipliers: Array(repeating: 1.2345e-12, count: count), seconds: 999999)
                let lines = printed(width: width, constraints: constraints, rows: [row]).split(
                    separator: "\n")
                XCTAssertLessThan(lines.map(\.count).max() ?? 0, width)
                XCTAssertEqual(Set(lines.suffix(2).map(\.count)).count, 1, "titles and numbers end together")
            }
        }
    }

    func testExtraColumnsAndNoConstraints() {
        let row = IterationRow(
            iteration: 7, objective: 0.5, extras: [0.25, .nan], measures: [], violations: [], multipliers: [],
            seconds: 1.25)
        XCTAssertEqual(
            printed(width: 80, constraints: [], extras: ["bound", "learning rate"], rows: [row]),
            """

             iter  objective      bound  learning rate      time
                7     0.5000     0.2500            nan      1.2s

            """)
    }

    func testHeaderIsRepeated() {
        let text = printed(
            width: 160, constraints: names, rows: Array(repeating: rows[0], count: 7), headerInterval: 3)
        let isHeader = text.split(separator: "\n").map { $0.contains("iter ") }
        let header = [false, true]
        let three = [false, false, false]
        XCTAssertEqual(isHeader, header + three + header + three + header + [false])
    }

    func testViolatedConstraintsAreBoldWhereStylesAreUsed() {
        let text = printed(width: 160, usesStyles: true, constraints: names, rows: [rows[0]])
        XCTAssertTrue(text.contains("\u{1B}[1m   0.6000\u{1B}[0m"), text)
        XCTAssertEqual(
            text.components(separatedBy: "\u{1B}[1m").count - 1, 1, "only one constraint is violated")
        XCTAssertFalse(printed(width: 160, constraints: names, rows: rows).contains("\u{1B}"))
    }

    func testFootLinesUp() {
        var text = ""
        let table = IterationTable(
            console: Console(isTerminal: false, width: 80) { text += $0 }, constraints: [], measure: "KL")
        table.finish([("status", "converged"), ("duality gap", "2.9e-03")])
        XCTAssertEqual(
            text,
            """

            status:       converged
            duality gap:  2.9e-03

            """)
    }
}
