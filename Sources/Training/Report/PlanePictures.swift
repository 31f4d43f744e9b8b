import Telemetry

/// Samples in the plane, as the paper's Figures 1 and 2 show them: the given models, and what was made of
/// them with equal weights and with constraints.
struct PlanePictures: RunPictures {
    private let kind: RunConfiguration.Kind?
    private let layers: [PlaneLayer]
    private let projection: PlaneProjection
    private let limits: PlaneLimits

    /// More models than this share one panel, and so do those of a mixture.
    private static let largestModelCount = 4

    init(_ record: RunRecord) {
        let projection = PlaneProjection(record.samples)
        let isPlane = record.samples.allSatisfy { $0.dimension == 2 }
        kind = record.kind
        self.projection = projection
        layers = record.samples.enumerated().map { index, set in
            let model = record.outline?.models?.first { set.role == .model($0.name) || set.role == .base }
            return PlaneLayer(
                set, points: projection(set), index: index, components: isPlane ? model?.components ?? [] : []
            )
        }
        limits = PlaneLimits(enclosing: layers.flatMap(\.points))
    }

    func blocks() throws -> [ReportBlock] {
        let figure = PlaneFigure(panels: modelPanels + composedPanels + overlay, limits: limits)
        let caption =
            "Axes: \(projection.name). Ellipses: one and two standard deviations, of the given models' "
            + "Gaussians where they are known, else of samples. Dots: means."
        return [.panels(try figure.drawings(), caption: caption)] + (meansTable.map { [.table($0)] } ?? [])
    }

    func files() throws -> [(name: String, picture: PictureFile)] {
        let main = PlaneFigure(panels: [given].compactMap { $0 } + composedPanels, limits: limits)
        return [(name: "main", picture: .png(main.image(columns: main.panels.count > 4 ? 3 : 4)))]
            + layers.map { layer in
                let figure = PlaneFigure(panels: [panel(layer)], limits: limits)
                return (name: layer.fileName, picture: .png(figure.image(columns: 1)))
            }
    }

    private var models: [PlaneLayer] { layers.filter(\.isGiven) }
    private var composed: [PlaneLayer] { layers.filter { !$0.isGiven } }

    private var modelPanels: [PlanePanel] {
        kind != .mixture && models.count <= Self.largestModelCount
            ? models.map(panel) : [given].compactMap { $0 }
    }

    private var composedPanels: [PlanePanel] { composed.map(panel) }

    /// All given models in one panel; nil where none is given.
    private var given: PlanePanel? {
        guard let first = models.first else { return nil }
        var panel = PlanePanel(title: models.count == 1 ? first.name : "given models")
        panel.points = models.map { .init(name: $0.name, points: $0.points, color: $0.color) }
        return panel
    }

    /// The density of one set; what was composed stands over the outlines of what it was composed from.
    private func panel(_ layer: PlaneLayer) -> PlanePanel {
        var panel = PlanePanel(title: layer.name)
        let grid = DensityGrid(samples: layer.points, limits: limits, side: 64, smoothing: 1.3)
        panel.densities = [.init(grid: grid, color: layer.color)]
        panel.outlines = layer.isGiven ? layer.outlines() : models.flatMap { $0.outlines() }
        if !layer.isGiven, kind != .mixture, let mean = layer.mean {
            panel.markers = [.init(position: mean, color: PlaneLayer.markerColor)]
        }
        return panel
    }

    /// Means and spreads of everything in one panel; a mixture's would say little.
    private var overlay: [PlanePanel] {
        guard kind != .mixture, layers.count > 1 else { return [] }
        var panel = PlanePanel(title: "means and spreads")
        panel.outlines = layers.flatMap { $0.outlines(named: true) }
        panel.markers = layers.compactMap { layer in
            layer.mean.map { .init(position: $0, color: layer.color) }
        }
        return [panel]
    }

    private var meansTable: ReportTable? {
        let rows = layers.compactMap { layer in
            layer.mean.map { mean in
                [layer.name, number(mean.x), number(mean.y)] + layer.deviations.map { number($0) }
            }
        }
        return rows.isEmpty
            ? nil
            : ReportTable(
                caption: "Moments of the samples shown.",
                header: ["samples", "mean x", "mean y", "std x", "std y"], rows: rows)
    }
}

/// One set of samples in the plane.
private struct PlaneLayer: Sendable {
    let name: String
    let fileName: String
    /// Whether the run started from it.
    let isGiven: Bool
    let points: [SIMD2<Double>]
    /// Index into the palette.
    let color: Int
    /// nil if no sample is finite.
    let mean: SIMD2<Double>?
    /// Rows.
    private let covariance: [SIMD2<Double>]
    private let components: [ConfigurationOutline.Component]

    /// The palette without what results and baselines are drawn in.
    private static let modelColors = [0, 1, 2, 5]
    private static let resultColor = 3
    private static let baselineColor = 4
    /// That of text.
    static let markerColor = 6

    init(
        _ set: SampleSet, points: [SIMD2<Double>], index: Int, components: [ConfigurationOutline.Component]
    ) {
        name = set.name
        fileName = set.fileName(index: index)
        self.points = points
        self.components = components.filter { $0.mean.count == 2 && $0.covariance.map(\.count) == [2, 2] }
        switch set.role {
        case .model, .base:
            (isGiven, color) = (true, Self.modelColors[index % Self.modelColors.count])
        case .baseline: (isGiven, color) = (false, Self.baselineColor)
        case .result: (isGiven, color) = (false, Self.resultColor)
        }
        let finite = points.filter { $0.x.isFinite && $0.y.isFinite }
        let scale = 1 / Double(max(finite.count, 1))
        let center = finite.reduce(SIMD2.zero, +) * scale
        mean = finite.isEmpty ? nil : center
        covariance = (0..<2).map { row in
            finite.reduce(SIMD2.zero) { $0 + ($1[row] - center[row]) * ($1 - center) } * scale
        }
    }

    /// Standard deviations of the coordinates.
    var deviations: [Double] { [covariance[0].x.squareRoot(), covariance[1].y.squareRoot()] }

    /// The Gaussians the samples come from, or the one with their moments.
    func outlines(named isNamed: Bool = false) -> [PlanePanel.Outline] {
        guard components.isEmpty else {
            return components.map { component in
                let rows = component.covariance.map { SIMD2($0[0], $0[1]) }
                return .init(
                    name: isNamed ? name : "", mean: SIMD2(component.mean[0], component.mean[1]),
                    covariance: rows, color: color)
            }
        }
        return mean.map { [.init(name: isNamed ? name : "", mean: $0, covariance: covariance, color: color)] }
            ?? []
    }
}
