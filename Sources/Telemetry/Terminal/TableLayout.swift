/// Which columns an iteration table has and how wide they are.
struct TableLayout {
    struct Column {
        let title: String
        let width: Int
        /// Spaces before the column; wider at the start of a group.
        let gap: String
        var isText = false

        func padded(_ text: String) -> String {
            let padding = String(repeating: " ", count: max(width - text.count, 0))
            return isText ? text + padding : padding + text
        }
    }

    struct Cell {
        let text: String
        var isViolated = false
    }

    /// From the most telling to the narrowest.
    private enum Detail {
        case everything(digits: Int)
        case withoutMeasures(digits: Int)
        case worstOnly
    }

    let constraints: [String]
    let extras: [String]
    let columns: [Column]
    let header: [String]
    private let detail: Detail

    private static let multiplierTitle = "λ"

    /// The most detailed layout that fits, or the narrowest one.
    static func widest(fitting width: Int, constraints: [String], measure: String, extras: [String])
        -> TableLayout
    {
        let details: [Detail] = [
            .everything(digits: 4), .everything(digits: 3), .everything(digits: 2),
            .withoutMeasures(digits: 3), .withoutMeasures(digits: 2),
        ]
        let layouts = details.lazy.map {
            TableLayout($0, constraints: constraints, measure: measure, extras: extras)
        }
        return layouts.first { ($0.header.last ?? "").count < width }
            ?? TableLayout(.worstOnly, constraints: constraints, measure: measure, extras: extras)
    }

    private init(_ detail: Detail, constraints: [String], measure: String, extras: [String]) {
        self.constraints = constraints
        self.extras = extras
        self.detail = detail
        var columns = [Column(title: "iter", width: 5, gap: "")]
        columns += (["objective"] + extras).map { Column(title: $0, width: max(9, $0.count), gap: "  ") }
        var groups: [(title: String, columns: [Column])] = []
        switch detail {
        case .everything(let digits):
            groups = [measure, "violation", Self.multiplierTitle].map {
                Self.group(constraints, $0, digits: digits)
            }
        case .withoutMeasures(let digits):
            groups = ["violation", Self.multiplierTitle].map {
                Self.group(constraints, $0, digits: digits)
            }
        case .worstOnly:
            let nameWidth = min(constraints.map(\.count).max() ?? 0, 16)
            columns.append(Column(title: "violation", width: 9, gap: "  "))
            columns.append(Column(title: "of", width: max(nameWidth, 2), gap: "  ", isText: true))
            columns.append(Column(title: "Σλ", width: 9, gap: "  "))
        }
        let seconds = Column(title: "time", width: 7, gap: groups.isEmpty ? "  " : "   ")
        self.columns = columns + groups.flatMap(\.columns) + [seconds]
        let titles = self.columns.map { $0.gap + $0.padded($0.title) }.joined()
        let hasGroups = !constraints.isEmpty && !groups.isEmpty
        let indent = String(repeating: " ", count: columns.reduce(0) { $0 + $1.gap.count + $1.width })
        header = hasGroups ? [indent + groups.map(Self.groupTitle).joined(), titles] : [titles]
    }

    private static func group(_ names: [String], _ title: String, digits: Int) -> (String, [Column]) {
        // Multipliers have no sign, and the narrowest columns have no room for names longer than their
        // numbers.
        let numberWidth = NumberText.columnWidth(digits: digits) - (title == multiplierTitle ? 1 : 0)
        let columns = names.enumerated().map { index, name in
            let name = shortened(name, to: numberWidth + (digits > 2 ? 2 : 0))
            return Column(title: name, width: max(numberWidth, name.count), gap: index == 0 ? "   " : "  ")
        }
        return (title, columns)
    }

    /// The title in the middle of a rule over the group's columns.
    private static func groupTitle(_ title: String, _ columns: [Column]) -> String {
        let width = columns.reduce(0) { $0 + $1.gap.count + $1.width } - (columns.first?.gap.count ?? 0)
        let rule = max(width - title.count - 2, 0)
        let left = String(repeating: "-", count: rule / 2)
        return (columns.first?.gap ?? "") + "\(left) \(title) \(left)" + (rule % 2 == 1 ? "-" : "")
    }

    /// Both ends of a long name: what sets names of a family apart stands at either end.
    static func shortened(_ name: String, to width: Int) -> String {
        guard name.count > width else { return name }
        let tail = (width - 1) / 2
        return name.prefix(width - 1 - tail) + "…" + name.suffix(tail)
    }

    func cells(of row: IterationRow) -> [Cell] {
        let leading =
            [Cell(text: String(row.iteration))]
            + ([row.objective] + row.extras).map { Cell(text: NumberText.column($0, digits: 4)) }
        let trailing = [Cell(text: NumberText.fixed(row.seconds, decimals: row.seconds < 1e4 ? 1 : 0) + "s")]
        return leading + constraintCells(of: row) + trailing
    }

    private func constraintCells(of row: IterationRow) -> [Cell] {
        func numbers(_ values: [Double], _ digits: Int) -> [Cell] {
            values.map { Cell(text: NumberText.column($0, digits: digits)) }
        }
        func violations(_ digits: Int) -> [Cell] {
            row.violations.map { Cell(text: NumberText.column($0, digits: digits), isViolated: $0 > 0) }
        }
        switch detail {
        case .everything(let digits):
            return numbers(row.measures, digits) + violations(digits) + numbers(row.multipliers, digits)
        case .withoutMeasures(let digits):
            return violations(digits) + numbers(row.multipliers, digits)
        case .worstOnly:
            // A number that is none counts as the worst.
            let worst = row.violations.indices.max { rank(row.violations[$0]) < rank(row.violations[$1]) }
            let value = worst.map { row.violations[$0] } ?? 0
            return [
                Cell(text: NumberText.column(value, digits: 4), isViolated: value > 0),
                Cell(text: worst.map { Self.shortened(constraints[$0], to: 16) } ?? ""),
                Cell(text: NumberText.column(row.multipliers.reduce(0, +), digits: 4)),
            ]
        }
    }

    private func rank(_ violation: Double) -> Double { violation.isNaN ? .infinity : violation }
}
