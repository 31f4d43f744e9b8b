/// Curves over a common x axis, with thresholds as dashed lines.
public struct LineChart: Sendable {
    /// One curve.
    ///
    /// A value that is not finite (or not positive on a logarithmic axis) interrupts it.
    public struct Series: Sendable {
        public var name: String
        public var x: [Double]
        public var y: [Double]

        public init(name: String, x: [Double], y: [Double]) {
            precondition(
                x.count == y.count,
                "LineChart.Series: got \(x.count) x and \(y.count) y values, expected as many")
            self.name = name
            self.x = x
            self.y = y
        }
    }

    /// A dashed line over the whole width.
    public struct Threshold: Sendable {
        public var name: String
        public var value: Double
        /// The index of the series whose colour it takes; nil takes the text's colour.
        public var series: Int?

        public init(name: String, value: Double, series: Int? = nil) {
            self.name = name
            self.value = value
            self.series = series
        }
    }

    public var title: String
    public var xLabel: String
    /// What the values are, with their unit.
    public var yLabel: String
    public var series: [Series]
    public var thresholds: [Threshold]
    public var isXLogarithmic = false
    public var isYLogarithmic = false

    public init(
        title: String, xLabel: String = "", yLabel: String = "", series: [Series],
        thresholds: [Threshold] = []
    ) {
        self.title = title
        self.xLabel = xLabel
        self.yLabel = yLabel
        self.series = series
        self.thresholds = thresholds
    }

    /// Stretches of which a long curve shows the extremes: about one a pixel.
    private static let buckets = 300
    private static let width = 440.0
    private static let plotHeight = 200.0

    public func svg() -> SVG {
        let xAxis = Axis(
            covering: series.lazy.flatMap(\.x), scale: isXLogarithmic ? .logarithmic : .linear, target: 6)
        let yAxis = yAxis()
        var canvas = SVGCanvas()
        let legend = Legend(legendEntries, left: 2, right: Self.width - 2)
        let frame = PlotFrame(title: title, xLabel: xLabel, yLabel: yLabel, legendHeight: legend.height)
        let area = frame.area(width: Self.width, height: Self.plotHeight, xAxis: xAxis, yAxis: yAxis)
        frame.draw(on: &canvas, area: area, xAxis: xAxis, yAxis: yAxis)
        legend.draw(on: &canvas, top: frame.legendTop)
        for threshold in thresholds {
            let y = area.y(yAxis.fraction(threshold.value))
            guard y.isFinite else { continue }
            canvas.line(area.left, y, area.right, y, style: style(of: threshold))
        }
        for (index, curve) in series.enumerated() {
            let points = zip(curve.x, curve.y).map { x, y in
                SIMD2(area.x(xAxis.fraction(x)), area.y(yAxis.fraction(y)))
            }
            canvas.path(Self.pathData(points), style: style(ofSeries: index), name: curve.name)
        }
        return SVG(title: title, width: Self.width, height: frame.height(under: area), body: canvas.body)
    }

    /// Covers curves and thresholds, and zero where the values come near it from above.
    private func yAxis() -> Axis {
        let values = (series.flatMap(\.y) + thresholds.map(\.value)).filter(\.isFinite)
        if isYLogarithmic { return Axis(covering: values, scale: .logarithmic, padding: 0.04) }
        let (lowest, highest) = (values.min() ?? 0, values.max() ?? 1)
        let zero = lowest >= 0 && lowest < 0.3 * highest ? [0.0] : []
        return Axis(covering: values + zero, padding: 0.04)
    }

    private var legendEntries: [Legend.Entry] {
        series.indices.map { Legend.Entry(name: series[$0].name, sample: .line, style: style(ofSeries: $0)) }
            + thresholds.map { Legend.Entry(name: $0.name, sample: .line, style: style(of: $0)) }
    }

    private func style(ofSeries index: Int) -> String {
        "curve " + PlotTheme.colorClass(index) + PlotTheme.dashClass(index)
    }

    private func style(of threshold: Threshold) -> String {
        "threshold " + PlotTheme.colorClass(threshold.series ?? PlotTheme.colorCount - 1)
    }

    /// One stroke per unbroken stretch; a lone point becomes a dot.
    private static func pathData(_ points: [SIMD2<Double>]) -> String {
        points.split { !$0.x.isFinite || !$0.y.isFinite }.map { stretch in
            let kept = downsampled(Array(stretch), buckets: buckets).map { pair($0.x, $0.y) }
            return "M" + (kept.count == 1 ? kept[0] + "h0" : kept.joined(separator: "L"))
        }.joined()
    }
}
