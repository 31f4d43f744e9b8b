/// What one dual iteration has to say.
public struct IterationRow: Sendable {
    public var iteration: Int
    public var objective: Double
    /// Values of the table's extra columns.
    public var extras: [Double]
    /// The divergence or reward of each constraint.
    public var measures: [Double]
    /// Positive is violated.
    public var violations: [Double]
    public var multipliers: [Double]
    /// Wall time since the run began.
    public var seconds: Double

    public init(
        iteration: Int, objective: Double, extras: [Double] = [], measures: [Double], violations: [Double],
        multipliers: [Double], seconds: Double
    ) {
        self.iteration = iteration
        self.objective = objective
        self.extras = extras
        self.measures = measures
        self.violations = violations
        self.multipliers = multipliers
        self.seconds = seconds
    }
}

/// Prints one row per dual iteration, in the manner of OSQP.
///
/// Every constraint has three numbers: its divergence or reward, its violation, its multiplier. When they do
/// not fit the console they get fewer digits, then the first group goes (the violation tells the same), and
/// at last only the worst violation, the name of its constraint and the sum of the multipliers are left; the
/// files have all of it.
public struct IterationTable {
    private let console: Console
    private let layout: TableLayout
    private let headerInterval: Int
    private var rowsPrinted = 0

    /// - Parameters:
    ///   - measure: what the first group shows: "KL", "reward".
    ///   - extras: columns after the objective, such as "bound".
    ///   - headerInterval: the header is repeated after so many rows.
    public init(
        console: Console, constraints: [String], measure: String, extras: [String] = [],
        headerInterval: Int = 25
    ) {
        precondition(
            headerInterval > 0, "IterationTable: got header interval \(headerInterval), expected at least 1")
        self.console = console
        self.headerInterval = headerInterval
        layout = TableLayout.widest(
            fitting: console.width, constraints: constraints, measure: measure, extras: extras)
    }

    /// Prints the row, and the header before it when it is due.
    ///
    /// Violated constraints are bold on a terminal.
    public mutating func print(_ row: IterationRow) {
        let count = layout.constraints.count
        precondition(
            row.measures.count == count && row.violations.count == count && row.multipliers.count == count
                && row.extras.count == layout.extras.count,
            "IterationTable.print: got \(row.measures.count) measures, \(row.violations.count) violations, "
                + "\(row.multipliers.count) multipliers and \(row.extras.count) extras, "
                + "expected \(count), \(count), \(count) and \(layout.extras.count)")
        if rowsPrinted % headerInterval == 0 {
            for line in layout.header { console.write(console.faint(line)) }
        }
        rowsPrinted += 1
        let cells = layout.cells(of: row)
        let padded = zip(layout.columns, cells).map { column, cell in
            column.gap + (cell.isViolated ? console.bold(column.padded(cell.text)) : column.padded(cell.text))
        }
        console.write(padded.joined())
    }

    /// Prints what stands under the table: the status and the figures of the solution, one a line.
    public func finish(_ figures: [(name: String, value: String)]) {
        let width = (figures.map(\.name.count).max() ?? 0) + 1
        console.write("")
        for figure in figures {
            let label = figure.name + ":"
            console.write(label + String(repeating: " ", count: width - label.count + 2) + figure.value)
        }
    }
}
