import Foundation

/// What one panel of a two-dimensional figure shows: densities, samples, outlines of Gaussians, single
/// points.
///
/// A colour is an index into the palette. What has the same name and colour in several layers stands in the
/// legend once; an empty name keeps a layer out of it.
public struct PlanePanel: Sendable {
    public struct Density: Sendable {
        public var name: String
        public var grid: DensityGrid
        public var color: Int

        public init(name: String = "", grid: DensityGrid, color: Int) {
            self.name = name
            self.grid = grid
            self.color = color
        }
    }

    /// Samples as dots; of more than 1,500 an even choice is shown.
    public struct Points: Sendable {
        public var name: String
        public var points: [SIMD2<Double>]
        public var color: Int

        public init(name: String = "", points: [SIMD2<Double>], color: Int) {
            self.name = name
            self.points = points
            self.color = color
        }
    }

    /// Ellipses {x : (x−mean)ᵀ covariance⁻¹ (x−mean) = s²} for each s in `deviations`.
    public struct Outline: Sendable {
        public var name: String
        public var mean: SIMD2<Double>
        /// Rows of the symmetric covariance.
        public var covariance: [SIMD2<Double>]
        public var deviations: [Double]
        public var color: Int

        public init(
            name: String = "", mean: SIMD2<Double>, covariance: [SIMD2<Double>],
            deviations: [Double] = [1, 2],
            color: Int
        ) {
            precondition(
                covariance.count == 2,
                "PlanePanel.Outline: got \(covariance.count) rows of covariance, expected 2")
            self.name = name
            self.mean = mean
            self.covariance = covariance
            self.deviations = deviations
            self.color = color
        }
    }

    /// A single point of note, such as a mean.
    public struct Marker: Sendable {
        public var name: String
        public var position: SIMD2<Double>
        public var color: Int

        public init(name: String = "", position: SIMD2<Double>, color: Int) {
            self.name = name
            self.position = position
            self.color = color
        }
    }

    public var title: String
    public var densities: [Density] = []
    public var points: [Points] = []
    public var outlines: [Outline] = []
    public var markers: [Marker] = []

    public init(title: String) {
        self.title = title
    }
}

/// Panels over the same part of the plane, with equal axes.
public struct PlaneFigure: Sendable {
    public var panels: [PlanePanel]
    public var limits: PlaneLimits

    public init(panels: [PlanePanel], limits: PlaneLimits) {
        self.panels = panels
        self.limits = limits
    }

    private static let width = 320.0

    /// One drawing a panel.
    /// - Throws: `TelemetryError.damagedImage` when a density cannot be encoded.
    public func drawings() throws -> [SVG] {
        try panels.map(drawing)
    }

    private func drawing(_ panel: PlanePanel) throws -> SVG {
        let xAxis = Axis(from: limits.lower.x, to: limits.upper.x, target: 4)
        let yAxis = Axis(from: limits.lower.y, to: limits.upper.y, target: 4)
        let frame = PlotFrame(title: panel.title, xLabel: "", yLabel: "", legendHeight: 0)
        let side = frame.area(width: Self.width, height: 0, xAxis: xAxis, yAxis: yAxis).width
        let area = frame.area(width: Self.width, height: side, xAxis: xAxis, yAxis: yAxis)
        let pens = PlanePen(area: area, limits: limits)
        var canvas = SVGCanvas()
        frame.draw(on: &canvas, area: area, xAxis: xAxis, yAxis: yAxis)
        for density in panel.densities {
            let box = pens.box(of: density.grid.limits)
            let bytes = try density.grid.image(color: PlotTheme.color(density.color)).encoded()
            canvas.clipped(to: area) { $0.image(dataURI(png: bytes), in: box) }
        }
        canvas.clipped(to: area) { pens.draw(panel, on: &$0) }
        canvas.line(area.left, area.top, area.left, area.bottom, style: "axis")
        let legend = Legend(panel.legendEntries, left: 2, right: Self.width - 2)
        let bottom = frame.height(under: area)
        legend.draw(on: &canvas, top: bottom)
        return SVG(title: panel.title, width: Self.width, height: bottom + legend.height, body: canvas.body)
    }
}

func dataURI(png bytes: Data) -> String { "data:image/png;base64," + bytes.base64EncodedString() }
