import Foundation
import Telemetry

/// A page with every kind of content, as a run with three Gaussians and pictures would give.
enum SampleReport {
    static let means = [SIMD2(-1.0, -0.2), SIMD2(0.6, 0.9), SIMD2(0.9, 0.5)]
    static let names = ["left", "upper", "an adapter with quite a long name"]

    static func page() throws -> ReportPage {
        ReportPage(
            title: "Product of three Gaussians <2-D>",
            subtitle: "product · 3 models · learned scores · 2 ranks · 41.3 s",
            status: ReportStatus("converged", tone: .good),
            sections: [
                summary, curves, try densities(), try pictures(), comparison, reproduction,
            ],
            footer: "Saddle 0.1.0")
    }

    private static var summary: ReportSection {
        ReportSection(
            "Result",
            [
                .figures([
                    ReportFigure(name: "bound u (nats)", value: "5.231"),
                    ReportFigure(name: "dual value", value: "5.228"),
                    ReportFigure(name: "duality gap", value: "2.9e-03"),
                    ReportFigure(name: "iterations", value: "312", note: "limit 500"),
                    ReportFigure(name: "seconds", value: "41.3"),
                    ReportFigure(name: "ranks", value: "2"),
                ]),
                .table(
                    ReportTable(
                        caption: "Per constraint, measured on 65,536 fresh samples",
                        header: ["model", "KL (nats)", "violation", "λ", "binding"],
                        rows: [
                            [names[0], "5.231", "0.0004", "0.5012", "yes"],
                            [names[1], "5.230", "-0.0012", "0.2991", "yes"],
                            [names[2], "4.817", "-0.4144", "0.1997", "no"],
                        ])),
            ])
    }

    private static var curves: ReportSection {
        let steps = (0..<4000).map(Double.init)
        func curve(_ limit: Double, _ start: Double, _ seed: UInt64) -> [Double] {
            var random = FixedRandom(state: seed)
            return steps.map { limit + (start - limit) * exp(-$0 / 600) + 0.02 * limit * random.normal() }
        }
        let values = [curve(5.2, 9, 1), curve(5.2, 3, 2), curve(4.8, 1, 3)]
        let divergences = LineChart(
            title: "Divergences", xLabel: "dual iteration", yLabel: "KL (nats)",
            series: names.indices.map { .init(name: names[$0], x: steps, y: values[$0]) },
            thresholds: [.init(name: "bound u", value: 5.23)])
        var gap = LineChart(
            title: "Duality gap", xLabel: "dual iteration", yLabel: "nats",
            series: [.init(name: "", x: steps, y: steps.map { 3 * exp(-$0 / 400) + 1e-5 })])
        gap.isYLogarithmic = true
        let multipliers = LineChart(
            title: "Multipliers", xLabel: "dual iteration", yLabel: "λ",
            series: (0..<9).map { index in
                .init(
                    name: "model \(index)", x: steps,
                    y: steps.map { 0.1 + 0.05 * Double(index) * (1 - exp(-$0 / 800)) })
            })
        let rewards = LineChart(
            title: "Rewards", xLabel: "dual iteration", yLabel: "standard deviations of the base model",
            series: [
                .init(
                    name: "aesthetic", x: Array(steps.prefix(40)),
                    y: steps.prefix(40).map { 0.5 - exp(-$0 / 9) }),
                .init(
                    name: "hps", x: Array(steps.prefix(40)),
                    y: steps.prefix(40).map { $0 == 20 ? .nan : 0.01 * $0 }),
            ],
            thresholds: [
                .init(name: "aesthetic ≥ 0.5", value: 0.5, series: 0),
                .init(name: "hps ≥ 0.25", value: 0.25, series: 1),
            ])
        let bars = BarChart(
            title: "KL to each model", xLabel: "nats", categories: names,
            groups: [
                .init(name: "equal weights", values: [7.9, 3.1, 2.7], errors: [0.4, 0.2, 0.2]),
                .init(name: "constrained", values: [5.23, 5.23, 4.8], errors: [0.2, 0.2, 0.2]),
            ],
            thresholds: [.init(name: "bound u", value: 5.23)])
        return ReportSection(
            "Curves",
            [.charts([divergences.svg(), multipliers.svg(), gap.svg(), rewards.svg(), bars.svg()])])
    }

    private static func densities() throws -> ReportSection {
        var random = FixedRandom(state: 7)
        func samples(_ mean: SIMD2<Double>, _ deviation: Double, _ count: Int) -> [SIMD2<Double>] {
            (0..<count).map { _ in mean + deviation * SIMD2(random.normal(), random.normal()) }
        }
        let models = means.map { samples($0, 0.22, 400) }
        let limits = PlaneLimits(enclosing: models.joined())
        let covariance = [SIMD2(0.05, 0.01), SIMD2(0.01, 0.05)]
        var given = PlanePanel(title: "Given models")
        given.points = models.indices.map { .init(name: names[$0], points: models[$0], color: $0) }
        func composed(_ title: String, _ center: SIMD2<Double>) -> PlanePanel {
            var panel = PlanePanel(title: title)
            let grid = DensityGrid(samples: samples(center, 0.2, 60_000), limits: limits)
            panel.densities = [.init(name: "samples", grid: grid, color: 3)]
            panel.outlines = means.indices.map { .init(mean: means[$0], covariance: covariance, color: $0) }
            panel.outlines.append(
                .init(
                    name: "smallest circle", mean: SIMD2(-0.1, 0.3), covariance: [SIMD2(1, 0), SIMD2(0, 1)],
                    deviations: [1.07], color: 6))
            panel.markers = [.init(name: "mean", position: center, color: 6)]
            return panel
        }
        let figure = PlaneFigure(
            panels: [
                given, composed("Equal weights", SIMD2(0.17, 0.4)), composed("Constrained", SIMD2(-0.1, 0.3)),
            ],
            limits: limits)
        return ReportSection(
            "Samples in the plane",
            [
                .panels(
                    try figure.drawings(),
                    caption: "Ellipses: one and two standard deviations of the given models.")
            ])
    }

    /// Rings of different sizes, in place of digits.
    static func tile(_ index: Int) -> PNGImage {
        let values = (0..<64).map { place -> Float in
            let (x, y) = (Float(place % 8) - 3.5, Float(place / 8) - 3.5)
            let radius = (x * x + y * y).squareRoot()
            return max(0, 1 - abs(radius - 1 - Float(index % 5) / 2))
        }
        return PNGImage(width: 8, height: 8, channels: .gray, values: values)
    }

    private static func pictures() throws -> ReportSection {
        var grid = ImageGrid((0..<24).map(tile), columns: 8)
        grid.rowCaptions = ["{0, 8}", "{3, 8}", "constrained"]
        grid.columnCaptions = (0..<8).map { "seed \($0)" }
        grid.tileScale = 9
        var strip = ImageGrid((0..<16).map(tile), columns: 16)
        strip.tileScale = 6
        return ReportSection(
            "Pictures",
            [
                .picture(grid.rendered(), caption: "Samples of two models and of their product."),
                .pictureRows([
                    ReportPicture(name: "Equal weights", image: strip.rendered()),
                    ReportPicture(name: "Constrained", image: strip.rendered()),
                ]),
            ])
    }

    private static var comparison: ReportSection {
        ReportSection(
            "Side by side",
            [
                .table(
                    ReportTable.comparison(runs: [
                        (
                            "equal weights",
                            [("status", "iteration limit"), ("bound u", "7.912"), ("seconds", "12.1")]
                        ),
                        ("constrained", [("status", "converged"), ("bound u", "5.231"), ("gap", "0.0029")]),
                        (
                            "constrained, 4 ranks",
                            [("status", "converged"), ("bound u", "5.231"), ("gap", "0.0029")]
                        ),
                    ]))
            ])
    }

    private static var reproduction: ReportSection {
        let configuration = """
            kind: product
            seed: 0
            dimension: 2
            score: learned
            models:
              - {name: left, gaussian: {mean: [-1.0, -0.2], covariance: [[0.05, 0.01], [0.01, 0.05]]}}
              - {name: upper, gaussian: {mean: [0.6, 0.9], covariance: [[0.05, 0.01], [0.01, 0.05]]}}
            """
        return ReportSection(
            "How to reproduce",
            [
                .paragraph(
                    "The same configuration gives the same numbers to the bit on any number of ranks."),
                .verbatim("mpirun -n 2 saddle compose config.yaml --output runs/product", caption: "Command"),
                .verbatim(configuration, caption: "Configuration"),
            ])
    }
}
