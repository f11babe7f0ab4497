using Agora.Reports;
using Agora.Reports.Tables;

namespace Agora.Tests.Reports;

public sealed class SmallValuesTests
{
    // Shown with fixed decimals they would all be zero.
    [Theory]
    [InlineData(0.00043, "0.00043")]
    [InlineData(-0.0000123, "-0.000012")]
    [InlineData(0.0000004, "4.0e-7")]
    [InlineData(0.0005, null)]
    [InlineData(0.0, null)]
    [InlineData(double.NaN, null)]
    public void What_decimals_would_show_as_zero_has_two_digits(double value, string? text) => Assert.Equal(text, TextCell.Tiny(value, 0.0005));

    // A title may be wider than the room for labels.
    [Fact]
    public void No_line_of_the_grid_crosses_the_title_of_a_group()
    {
        var row = new PlotRow("a", 0, 10, 5, 15, "10");
        var plot = new IntervalPlot { Title = "t", Description = "d", Axis = "x", Groups = [new("one title that is long", [row, row]), new("two", [row])], Range = (0, 20), Limit = (-100, 100) };
        var svg = System.Xml.Linq.XDocument.Parse(plot.Render("p").Text);
        double Number(System.Xml.Linq.XElement element, string name) => double.Parse(element.Attribute(name)!.Value, System.Globalization.CultureInfo.InvariantCulture);
        var titles = svg.Descendants("text").Where(text => (string?)text.Attribute("class") == "group").Select(text => Number(text, "y")).ToList();
        var lines = svg.Descendants("line").Where(line => (string?)line.Attribute("class") is "grid" or "reference").ToList();
        Assert.Equal(2, titles.Count);
        Assert.NotEmpty(lines);
        Assert.All(titles, y => Assert.All(lines, line => Assert.False(Number(line, "y1") < y && Number(line, "y2") > y - 10)));
    }
}
