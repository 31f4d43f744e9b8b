import Foundation

extension PlaneFigure {
    /// The panels as pixels on white, for places that show no SVG, with their titles but without axes.
    ///
    /// - Parameters:
    ///   - side: pixels of a panel's side.
    ///   - columns: panels in a row.
    public func image(side: Int = 320, columns: Int = 3) -> PNGImage {
        var grid = ImageGrid(panels.map { tile($0, side: side) }, columns: columns)
        grid.gap = 12
        return grid.rendered()
    }

    private func tile(_ panel: PlanePanel, side: Int) -> PNGImage {
        var raster = PlaneRaster(side: side, limits: limits)
        for density in panel.densities { raster.draw(density) }
        for layer in panel.points { raster.draw(layer) }
        for outline in panel.outlines { raster.draw(outline) }
        for marker in panel.markers { raster.draw(marker) }
        return raster.image(title: panel.title)
    }
}

/// Draws the layers of one panel into pixels; edges are smoothed by how much of a pixel they cover.
private struct PlaneRaster {
    private let side: Int
    private let limits: PlaneLimits
    /// Rows from the top, red, green, blue in 0…255.
    private var colors: [SIMD3<Double>]

    private static let titleScale = 2
    private static let titleHeight = (BitmapFont.glyphHeight + 3) * titleScale

    init(side: Int, limits: PlaneLimits) {
        self.side = side
        self.limits = limits
        colors = Array(repeating: SIMD3(repeating: 255), count: side * side)
    }

    mutating func draw(_ density: PlanePanel.Density) {
        let corner = place(SIMD2(density.grid.limits.lower.x, density.grid.limits.upper.y))
        let extent = max(1, Int((density.grid.limits.halfSide / limits.halfSide * Double(side)).rounded()))
        let image = density.grid.image(color: PlotTheme.color(density.color))
            .scaled(width: extent, height: extent, .bilinear)
        let color = Self.color(density.color)
        let (left, top) = (Int(corner.x.rounded()), Int(corner.y.rounded()))
        for y in max(0, top)..<max(0, min(side, top + extent)) {
            for x in max(0, left)..<max(0, min(side, left + extent)) {
                let alpha = image.pixels[((y - top) * extent + x - left) * 4 + 3]
                blend(color, Double(alpha) / 255, at: y * side + x)
            }
        }
    }

    mutating func draw(_ layer: PlanePanel.Points) {
        fill(discs(layer.points, radius: 1.5), Self.color(layer.color), opacity: 0.65)
    }

    mutating func draw(_ outline: PlanePanel.Outline) {
        for deviations in outline.deviations {
            let ellipse = outline.points(deviations: deviations, count: 8 * side)
            fill(discs(ellipse, radius: 2.4), SIMD3(repeating: 255), opacity: 0.7)
            fill(discs(ellipse, radius: 1.1), Self.color(outline.color), opacity: 1)
        }
    }

    mutating func draw(_ marker: PlanePanel.Marker) {
        fill(discs([marker.position], radius: 6), SIMD3(repeating: 255), opacity: 1)
        fill(discs([marker.position], radius: 4.5), Self.color(marker.color), opacity: 1)
    }

    /// The panel in a thin frame under its title.
    func image(title: String) -> PNGImage {
        var pixels = Array(repeating: UInt8(255), count: (side + Self.titleHeight) * side * 3)
        for (index, color) in colors.enumerated() {
            let (x, y) = (index % side, index / side)
            let isFrame = x == 0 || y == 0 || x == side - 1 || y == side - 1
            for channel in 0..<3 {
                let value = isFrame ? 200 : UInt8(color[channel].rounded())
                pixels[(index + Self.titleHeight * side) * 3 + channel] = value
            }
        }
        var image = PNGImage(width: side, height: side + Self.titleHeight, channels: .rgb, pixels: pixels)
        image.draw(title, x: 0, y: 2, scale: Self.titleScale, color: RGB(red: 29, green: 33, blue: 38))
        return image
    }

    /// How much of each pixel is covered by discs around the points: rows, or empty where nothing is.
    private func discs(_ points: [SIMD2<Double>], radius: Double) -> [Int: Double] {
        var coverage: [Int: Double] = [:]
        for point in points where point.x.isFinite && point.y.isFinite {
            let center = place(point)
            guard abs(center.x) < 1e6, abs(center.y) < 1e6 else { continue }
            for y in Int(center.y - radius - 1)...Int(center.y + radius + 1) where (0..<side).contains(y) {
                for x in Int(center.x - radius - 1)...Int(center.x + radius + 1)
                where (0..<side).contains(x) {
                    let offset = SIMD2(Double(x) + 0.5, Double(y) + 0.5) - center
                    let distance = (offset * offset).sum().squareRoot()
                    let share = min(max(radius + 0.5 - distance, 0), 1)
                    coverage[y * side + x] = max(coverage[y * side + x] ?? 0, share)
                }
            }
        }
        return coverage
    }

    private mutating func fill(_ coverage: [Int: Double], _ color: SIMD3<Double>, opacity: Double) {
        for (index, share) in coverage { blend(color, share * opacity, at: index) }
    }

    private mutating func blend(_ color: SIMD3<Double>, _ alpha: Double, at index: Int) {
        colors[index] += (color - colors[index]) * alpha
    }

    /// Pixels from the top left corner.
    private func place(_ point: SIMD2<Double>) -> SIMD2<Double> {
        let fraction = (point - limits.lower) / (2 * limits.halfSide)
        return SIMD2(fraction.x, 1 - fraction.y) * Double(side)
    }

    private static func color(_ index: Int) -> SIMD3<Double> {
        let color = PlotTheme.color(index)
        return SIMD3(Double(color.red), Double(color.green), Double(color.blue))
    }
}
