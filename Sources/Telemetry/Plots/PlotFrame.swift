/// Title, axes and labels around a plot; the legend stands between title and plot.
struct PlotFrame {
    let title: String
    let xLabel: String
    let yLabel: String
    let legendHeight: Double

    private static let margin = 2.0
    private var titleHeight: Double { title.isEmpty ? 4 : 24 }
    private var yLabelHeight: Double { yLabel.isEmpty ? 8 : 20 }

    var legendTop: Double { titleHeight }

    /// What is left for the data in a drawing of this width, given the room that the y axis's labels need.
    func area(width: Double, height: Double, xAxis: Axis, yAxis: Axis) -> PlotArea {
        let labels = yAxis.ticks.map { TextMetrics.width($0.label) }.max() ?? 0
        let left = Self.margin + labels + 8
        // Half of the last x label may stand to the right of the plot.
        let right = max((xAxis.ticks.last.map { TextMetrics.width($0.label) } ?? 0) / 2, 4) + 4
        let top = titleHeight + legendHeight + yLabelHeight
        return PlotArea(left: left, top: top, width: width - left - right, height: height)
    }

    func height(under area: PlotArea) -> Double { area.bottom + (xLabel.isEmpty ? 24 : 40) }

    func draw(on canvas: inout SVGCanvas, area: PlotArea, xAxis: Axis, yAxis: Axis) {
        if !title.isEmpty {
            let fitted = TextMetrics.fitted(title, to: area.right - Self.margin, size: 14)
            canvas.text(fitted, x: Self.margin, y: 17, style: "title")
        }
        if !yLabel.isEmpty {
            canvas.text(yLabel, x: Self.margin, y: area.top - 9, style: "quiet")
        }
        for tick in yAxis.ticks {
            let y = area.y(yAxis.fraction(tick.value))
            canvas.line(area.left, y, area.right, y, style: "grid")
            canvas.text(tick.label, x: area.left - 6, y: y + 4, style: "quiet", anchor: .end)
        }
        for tick in xAxis.ticks {
            let x = area.x(xAxis.fraction(tick.value))
            canvas.line(x, area.bottom, x, area.bottom + 4, style: "axis")
            canvas.text(tick.label, x: x, y: area.bottom + 17, style: "quiet", anchor: .middle)
        }
        canvas.line(area.left, area.bottom, area.right, area.bottom, style: "axis")
        if !xLabel.isEmpty {
            let middle = (area.left + area.right) / 2
            canvas.text(xLabel, x: middle, y: area.bottom + 34, style: "quiet", anchor: .middle)
        }
    }
}
