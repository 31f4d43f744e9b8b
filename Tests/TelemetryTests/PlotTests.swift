import Foundation
import FoundationXML
import Telemetry
import XCTest

final class PlotTests: XCTestCase {
    private func assertWellFormed(_ svg: SVG, file: StaticString = #filePath, line: UInt = #line) {
        let parser = XMLParser(data: Data(svg.standalone.utf8))
        XCTAssertTrue(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")", file: file, line: line)
        XCTAssertFalse(
            svg.standalone.contains("nan") || svg.standalone.contains("inf"), file: file, line: line)
    }

    /// The numbers of every path drawn with the class.
    private func paths(_ style: String, in svg: SVG) -> [String] {
        svg.standalone.components(separatedBy: "<path class=\"\(style)").dropFirst().compactMap {
            $0.components(separatedBy: " d=\"").dropFirst().first?.components(separatedBy: "\"").first
        }
    }

    func testLineChartOfNastyData() {
        let nasty: [[Double]] = [
            [], [.nan, .nan], [1], [1, .nan, 1], [0, 0, 0], [-1e12, 1e12], [1e-12, 2e-12],
            [.infinity, -.infinity, 3],
        ]
        for values in nasty {
            for isLogarithmic in [false, true] {
                var chart = LineChart(
                    title: "<&\"'\u{1}", xLabel: "a < b", yLabel: "]]>",
                    series: [.init(name: "<script>", x: values.indices.map(Double.init), y: values)],
                    thresholds: [.init(name: "u", value: .nan), .init(name: "v", value: 0.5, series: 0)])
                chart.isYLogarithmic = isLogarithmic
                assertWellFormed(chart.svg())
            }
        }
        assertWellFormed(LineChart(title: "", series: []).svg())
    }

    func testGapsBreakTheCurveAndLonePointsAreDots() {
        let chart = LineChart(
            title: "", series: [.init(name: "", x: [0, 1, 2, 3, 4, 5], y: [0, 1, .nan, 2, .infinity, 3])])
        let curve = paths("curve", in: chart.svg()).joined()
        XCTAssertEqual(curve.filter { $0 == "M" }.count, 3)
        XCTAssertEqual(curve.filter { $0 == "L" }.count, 1)
        XCTAssertEqual(curve.components(separatedBy: "h0").count - 1, 2)
    }

    /// A line from the lower left to the upper right corner of the data.
    func testPointsStandWhereTheAxesSay() throws {
        let chart = LineChart(title: "", series: [.init(name: "", x: [0, 10], y: [10, 20])])
        let svg = chart.svg()
        let numbers = try XCTUnwrap(paths("curve", in: svg).first).split { "ML ".contains($0) }.compactMap {
            Double($0)
        }
        let gridY = Set(
            paths("grid", in: svg).compactMap { $0.split { "ML ".contains($0) }.last.flatMap { Double($0) } })
        XCTAssertEqual(numbers.count, 4)
        XCTAssertTrue(
            gridY.contains(numbers[1]) && gridY.contains(numbers[3]),
            "10 and 20 are ticks: \(numbers) \(gridY)")
        XCTAssertLessThan(numbers[0], numbers[2])
        XCTAssertGreaterThan(numbers[1], numbers[3], "y grows downwards in SVG")
    }

    func testLongSeriesStaySmallAndKeepTheirExtremes() {
        var random = FixedRandom(state: 3)
        var values = (0..<200_000).map { _ in random.normal() }
        values[70_001] = 50
        values[150_003] = -40
        let points = values.enumerated().map { SIMD2(Double($0), $1) }
        let kept = downsampled(points, buckets: 300)
        XCTAssertLessThanOrEqual(kept.count, 602)
        XCTAssertEqual([kept.first, kept.last], [points.first, points.last])
        XCTAssertTrue(kept.contains(points[70_001]) && kept.contains(points[150_003]))
        XCTAssertEqual(kept.map(\.x), kept.map(\.x).sorted())
        XCTAssertTrue(kept.allSatisfy { points[Int($0.x)] == $0 }, "only points of the series")
        XCTAssertEqual(downsampled(Array(points.prefix(602)), buckets: 300), Array(points.prefix(602)))
        let chart = LineChart(title: "", series: [.init(name: "", x: points.map(\.x), y: values)])
        XCTAssertLessThan(chart.svg().standalone.utf8.count, 15_000)
    }

    func testLegendWrapsAndLongNamesAreCut() {
        let long = String(repeating: "long name ", count: 20)
        let few = LineChart(title: "t", series: [.init(name: "a", x: [0], y: [0])]).svg()
        let many = LineChart(
            title: "t", series: (0..<12).map { .init(name: "constraint \($0)", x: [0], y: [0]) }
        ).svg()
        XCTAssertGreaterThan(many.height, few.height + 30)
        let cut = LineChart(title: long, series: [.init(name: long, x: [0], y: [0])]).svg()
        XCTAssertTrue(cut.standalone.contains("…</text>"))
        assertWellFormed(many)
    }

    func testStandaloneFollowsLightAndDark() {
        let text = LineChart(title: "t", series: [.init(name: "a", x: [0, 1], y: [0, 1])]).svg().standalone
        XCTAssertTrue(text.hasPrefix("<?xml"))
        XCTAssertTrue(text.contains("prefers-color-scheme:dark"))
    }

    func testBarChart() {
        let chart = BarChart(
            title: "KL", xLabel: "nats", categories: ["a", "b & c"],
            groups: [
                .init(name: "equal", values: [2, .nan], errors: [0.5, 0]),
                .init(name: "ours", values: [-1, 4]),
            ],
            thresholds: [.init(name: "u", value: 1)])
        let svg = chart.svg()
        assertWellFormed(svg)
        let bars = svg.standalone.components(separatedBy: "<rect class=\"bar").count - 1
        XCTAssertEqual(bars, 3 + 2, "three finite values and two samples in the legend")
        assertWellFormed(BarChart(title: "", categories: [], groups: []).svg())
        assertWellFormed(
            BarChart(title: "", categories: ["a"], groups: [.init(name: "z", values: [0])]).svg())
    }

    func testLimitsAreSquareAndLeaveStraysOut() {
        var points = (0..<10_000).map { index -> SIMD2<Double> in
            SIMD2(Double(index % 100) / 50 - 1, Double(index / 100) / 100)
        }
        points += [SIMD2(1e6, 0), SIMD2(.nan, 0), SIMD2(0, .infinity)]
        let limits = PlaneLimits(enclosing: points, margin: 0)
        XCTAssertEqual(limits.halfSide, 0.99, accuracy: 1e-12)
        XCTAssertEqual(limits.center.x, -0.01, accuracy: 1e-12)
        XCTAssertEqual(limits.center.y, 0.495, accuracy: 1e-12)
        XCTAssertEqual(PlaneLimits(enclosing: []), PlaneLimits(center: SIMD2(0, 0), halfSide: 1.15))
        XCTAssertEqual(PlaneLimits(enclosing: [SIMD2(5, 5)]), PlaneLimits(center: SIMD2(5, 5), halfSide: 1))
    }

    func testPanelsShareLimitsAndHoldTheirLayers() throws {
        var panel = PlanePanel(title: "product")
        let limits = PlaneLimits(center: SIMD2(0, 0), halfSide: 2)
        let grid = DensityGrid(limits: limits, side: 16) { exp(-($0 * $0).sum()) }
        panel.densities = [.init(name: "p", grid: grid, color: 0)]
        panel.points = [.init(name: "x", points: [SIMD2(0, 0), SIMD2(.nan, 1), SIMD2(1e9, 0)], color: 1)]
        panel.outlines = [
            .init(name: "q", mean: SIMD2(1, 1), covariance: [SIMD2(0.25, 0), SIMD2(0, 1)], color: 2)
        ]
        panel.markers = [.init(name: "m", position: SIMD2(.nan, 0), color: 3)]
        let svgs = try PlaneFigure(panels: [panel, PlanePanel(title: "empty")], limits: limits).drawings()
        XCTAssertEqual(svgs.count, 2)
        svgs.forEach { assertWellFormed($0) }
        XCTAssertEqual(paths("grid", in: svgs[0]), paths("grid", in: svgs[1]))
        XCTAssertEqual(paths("points", in: svgs[0]).first?.filter { $0 == "M" }.count, 2)
    }

    /// The ellipse of covariance diag(¼, 1) at one deviation is half as wide as it is high.
    func testOutlineHasTheCovariancesShape() throws {
        var panel = PlanePanel(title: "")
        panel.outlines = [
            .init(mean: SIMD2(0, 0), covariance: [SIMD2(0.25, 0), SIMD2(0, 1)], deviations: [1], color: 2)
        ]
        let svg = try PlaneFigure(panels: [panel], limits: PlaneLimits(center: SIMD2(0, 0), halfSide: 2))
            .drawings()[0]
        let numbers = try XCTUnwrap(paths("outline", in: svg).first).split { "MLZ ".contains($0) }.compactMap
        { Double($0) }
        let x = stride(from: 0, to: numbers.count, by: 2).map { numbers[$0] }
        let y = stride(from: 1, to: numbers.count, by: 2).map { numbers[$0] }
        let width = (x.max() ?? 0) - (x.min() ?? 0)
        let height = (y.max() ?? 0) - (y.min() ?? 0)
        XCTAssertEqual(width / height, 0.5, accuracy: 0.005)
    }

    /// The heaviest cell is where the samples are, rows counted from the top.
    func testDensityImage() throws {
        let limits = PlaneLimits(center: SIMD2(0, 0), halfSide: 1)
        let samples = Array(repeating: SIMD2(0.7, 0.3), count: 50) + [SIMD2(3, 3), SIMD2(.nan, 0)]
        let image = DensityGrid(samples: samples, limits: limits, side: 8).image(color: .black)
        let alpha = stride(from: 3, to: image.pixels.count, by: 4).map { image.pixels[$0] }
        XCTAssertEqual(alpha.firstIndex(of: 235), 2 * 8 + 6, "row 2 from the top, column 6")
        XCTAssertEqual(alpha[7 * 8], 0, "the far corner is empty")
        let nothing = DensityGrid(samples: [], limits: limits, side: 4).image(color: .black)
        XCTAssertEqual(Set(stride(from: 3, to: 64, by: 4).map { nothing.pixels[$0] }), [0])
    }
}
