/// Colours and type of all plots, on light and on dark ground.
enum PlotTheme {
    /// The palette of Okabe and Ito (2008), which people with colour-blindness can tell apart, less its
    /// yellow, which is lost on white; its black follows the text colour.
    static let palette = [
        RGB(red: 0, green: 114, blue: 178), RGB(red: 213, green: 94, blue: 0),
        RGB(red: 0, green: 158, blue: 115),
        RGB(red: 204, green: 121, blue: 167), RGB(red: 230, green: 159, blue: 0),
        RGB(red: 86, green: 180, blue: 233),
    ]
    /// The palette and the text colour.
    static let colorCount = palette.count + 1

    /// The class of the series with this index: colours repeat, with another dash pattern each time around.
    static func colorClass(_ index: Int) -> String { "c\(index % colorCount)" }
    static func dashClass(_ index: Int) -> String { index / colorCount % 2 == 0 ? "" : " again" }

    /// The colour of the series with this index in pictures, where no style sheet reaches.
    static func color(_ index: Int) -> RGB {
        let index = index % colorCount
        return index < palette.count ? palette[index] : RGB(red: 120, green: 126, blue: 134)
    }

    /// Custom properties for light ground; `dark` overrides those that differ, among them the blue, which it
    /// lightens.
    static let light =
        "--ink:#1d2126;--muted:#59616b;--rule:#d8dce1;--grid:#e6e9ed;--paper:#ffffff;--tint:#f5f6f8;"
        + palette.enumerated().map { "--c\($0):\(css($1));" }.joined() + "--c\(palette.count):#1d2126"
    static let dark =
        "--ink:#e4e7eb;--muted:#a3abb5;--rule:#3a4048;--grid:#2a2f36;--paper:#15181c;--tint:#1d2126;"
        + "--c0:#2b91d4;--c\(palette.count):#e4e7eb"

    /// The rules of everything inside a plot; they rely on the custom properties.
    static let rules = """
        svg.plot{display:block;width:100%;height:auto;\
        font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
        .plot text{fill:var(--ink)}
        .plot .title{font-size:14px;font-weight:600}
        .plot .quiet{fill:var(--muted)}
        .plot .value{fill:var(--muted);paint-order:stroke;stroke:var(--paper);stroke-width:4}
        .plot .grid{stroke:var(--grid);stroke-width:1}
        .plot .axis{stroke:var(--muted);stroke-width:1;fill:none}
        .plot .curve{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
        .plot .again{stroke-dasharray:.1 5;stroke-width:2.6}
        .plot .threshold{fill:none;stroke:var(--c);stroke-width:1.5;stroke-dasharray:6 4}
        .plot .points{fill:none;stroke:var(--c);stroke-width:2.6;stroke-linecap:round;opacity:.65}
        .plot .outline{fill:none;stroke:var(--c);stroke-width:1.6}
        .plot .halo{fill:none;stroke:var(--paper);stroke-width:4;opacity:.7}
        .plot .marker{fill:var(--c);stroke:var(--paper);stroke-width:1.2}
        .plot .bar{fill:var(--c)}
        .plot .error{stroke:var(--ink);stroke-width:1.2}

        """ + (0..<colorCount).map { ".plot .c\($0){--c:var(--c\($0))}" }.joined()

    static func css(_ color: RGB) -> String { "rgb(\(color.red),\(color.green),\(color.blue))" }
}
