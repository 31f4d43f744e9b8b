/// Draws the layers of a panel where the limits put them.
struct PlanePen {
    let area: PlotArea
    let limits: PlaneLimits

    private static let pointLimit = 1500

    func draw(_ panel: PlanePanel, on canvas: inout SVGCanvas) {
        for layer in panel.points {
            canvas.path(
                dots(layer.points), style: "points " + PlotTheme.colorClass(layer.color), name: layer.name)
        }
        for outline in panel.outlines {
            let ellipses = outline.deviations.map { ellipse(outline, deviations: $0) }.joined()
            canvas.path(ellipses, style: "halo")
            canvas.path(ellipses, style: "outline " + PlotTheme.colorClass(outline.color), name: outline.name)
        }
        for marker in panel.markers where isFinite(marker.position) {
            let place = place(marker.position)
            canvas.path(
                circle(place.x, place.y, 4.5), style: "marker " + PlotTheme.colorClass(marker.color),
                name: marker.name)
        }
    }

    /// The limits as a rectangle of the drawing.
    func box(of limits: PlaneLimits) -> PlotArea {
        let corner = place(SIMD2(limits.lower.x, limits.upper.y))
        let side = area.width * limits.halfSide / self.limits.halfSide
        return PlotArea(left: corner.x, top: corner.y, width: side, height: side)
    }

    private func place(_ point: SIMD2<Double>) -> SIMD2<Double> {
        let fraction = (point - limits.lower) / (2 * limits.halfSide)
        return SIMD2(area.x(fraction.x), area.y(fraction.y))
    }

    /// Strokes of no length, which round caps make dots.
    private func dots(_ points: [SIMD2<Double>]) -> String {
        let step = max(points.count / Self.pointLimit, 1)
        return stride(from: 0, to: points.count, by: step).filter { isFinite(points[$0]) }.map { index in
            let place = place(points[index])
            return "M" + pair(place.x, place.y) + "h0"
        }.joined()
    }

    private func ellipse(_ outline: PlanePanel.Outline, deviations: Double) -> String {
        let points = outline.points(deviations: deviations, count: 72)
        guard points.allSatisfy(isFinite) else { return "" }
        return "M" + points.map(place).map { pair($0.x, $0.y) }.joined(separator: "L") + "Z"
    }

    private func isFinite(_ point: SIMD2<Double>) -> Bool { point.x.isFinite && point.y.isFinite }
}

extension PlanePanel {
    var legendEntries: [Legend.Entry] {
        densities.map {
            Legend.Entry(name: $0.name, sample: .block, style: "bar " + PlotTheme.colorClass($0.color))
        }
            + points.map {
                Legend.Entry(name: $0.name, sample: .point, style: "bar " + PlotTheme.colorClass($0.color))
            }
            + outlines.map {
                Legend.Entry(name: $0.name, sample: .line, style: "outline " + PlotTheme.colorClass($0.color))
            }
            + markers.map {
                Legend.Entry(name: $0.name, sample: .point, style: "marker " + PlotTheme.colorClass($0.color))
            }
    }
}
