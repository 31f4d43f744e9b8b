import Telemetry

/// Samples on the line, as densities.
struct DensityCurves: RunPictures {
    private let sets: [SampleSet]

    private static let bins = 60

    init(_ sets: [SampleSet]) {
        self.sets = sets
    }

    func blocks() throws -> [ReportBlock] { [.charts([chart])] }

    func files() throws -> [(name: String, picture: PictureFile)] { [(name: "main", picture: .svg(chart))] }

    private var chart: SVG {
        let values = sets.flatMap(\.values).filter(\.isFinite).map(Double.init)
        let (lowest, highest) = (values.min() ?? 0, values.max() ?? 1)
        let width = max((highest - lowest) / Double(Self.bins), 1e-9)
        let centers = (0..<Self.bins).map { lowest + (Double($0) + 0.5) * width }
        let series = sets.map { set in
            var counts = [Double](repeating: 0, count: Self.bins)
            for value in set.values where value.isFinite {
                counts[min(Int((Double(value) - lowest) / width), Self.bins - 1)] += 1
            }
            let scale = 1 / (Double(set.count) * width)
            return LineChart.Series(name: set.name, x: centers, y: counts.map { $0 * scale })
        }
        return LineChart(title: "Densities", xLabel: "x", yLabel: "density", series: series).svg()
    }
}
