#include "viewer/phantom/CtAnatomy.h"

#include "viewer/phantom/Random.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace hf::phantom {

namespace {

using Tissue = CtAnatomy::Tissue;

struct Ellipsoid {
    PointLps center;
    Vec3 radii{1, 1, 1};
    double turnZ = 0;   ///< Rotation about z, radians.

    /// Below 1 inside, 1 on the surface.
    double level(PointLps p) const
    {
        const Vec3 v = p - center;
        const double c = std::cos(turnZ), s = std::sin(turnZ);
        const double x = (c * v.x + s * v.y) / radii.x, y = (-s * v.x + c * v.y) / radii.y, z = v.z / radii.z;
        return x * x + y * y + z * z;
    }
    bool contains(PointLps p) const { return level(p) < 1; }
    Ellipsoid grown(double mm) const { return {center, {radii.x + mm, radii.y + mm, radii.z + mm}, turnZ}; }
};

/// A thick line. `kind` says what it is made of.
enum class Tube { Rib, RibMarrow, Cartilage, Bone, AirwayWall, Airway, LungVessel, Vessel, Psoas, BowelWall, BowelContent, Esophagus };

struct Capsule {
    PointLps a, b;
    double radiusA, radiusB;
    Tube kind;
    int id = 0;

    bool contains(PointLps p) const
    {
        const Vec3 ab = b - a, ap = p - a;
        const double t = std::clamp(dot(ap, ab) / std::max(1e-9, dot(ab, ab)), 0.0, 1.0);
        const Vec3 off = ap - ab * t;
        const double radius = radiusA + (radiusB - radiusA) * t;
        return dot(off, off) < radius * radius;
    }
};

/// Finds the capsules near a point: a hash of 16 mm cells.
class CapsuleIndex {
public:
    void add(const Capsule& capsule)
    {
        const double r = std::max(capsule.radiusA, capsule.radiusB);
        const auto low = [&](double a, double b) { return cell(std::min(a, b) - r); };
        const auto high = [&](double a, double b) { return cell(std::max(a, b) + r); };
        for (int z = low(capsule.a.z, capsule.b.z); z <= high(capsule.a.z, capsule.b.z); ++z) {
            for (int y = low(capsule.a.y, capsule.b.y); y <= high(capsule.a.y, capsule.b.y); ++y) {
                for (int x = low(capsule.a.x, capsule.b.x); x <= high(capsule.a.x, capsule.b.x); ++x) {
                    m_cells[key(x, y, z)].push_back(int(m_capsules.size()));
                }
            }
        }
        m_capsules.push_back(capsule);
    }
    /// Bit set of the kinds that hold the point.
    unsigned kindsAt(PointLps p) const
    {
        const auto found = m_cells.find(key(cell(p.x), cell(p.y), cell(p.z)));
        unsigned kinds = 0;
        if (found != m_cells.end()) {
            for (const int n : found->second) {
                const Capsule& capsule = m_capsules[std::size_t(n)];
                if (!(kinds >> unsigned(capsule.kind) & 1U) && capsule.contains(p)) {
                    kinds |= 1U << unsigned(capsule.kind);
                }
            }
        }
        return kinds;
    }

private:
    static int cell(double mm) { return int(std::floor(mm / 16)); }
    static std::uint64_t key(int x, int y, int z)
    {
        return std::uint64_t(x + 1024) << 40 | std::uint64_t(y + 1024) << 20 | std::uint64_t(z + 1024);
    }
    std::vector<Capsule> m_capsules;
    std::unordered_map<std::uint64_t, std::vector<int>> m_cells;
};

bool has(unsigned kinds, Tube kind) { return kinds >> unsigned(kind) & 1U; }

/// Piecewise linear.
double along(std::initializer_list<std::array<double, 2>> knots, double at)
{
    const auto* previous = knots.begin();
    if (at <= (*previous)[0]) {
        return (*previous)[1];
    }
    for (const auto* knot = knots.begin() + 1; knot != knots.end(); previous = knot++) {
        if (at <= (*knot)[0]) {
            const double t = (at - (*previous)[0]) / ((*knot)[0] - (*previous)[0]);
            const double smooth = t * t * (3 - 2 * t);
            return (*previous)[1] + ((*knot)[1] - (*previous)[1]) * smooth;
        }
    }
    return (*previous)[1];
}

/// An outline in one axial plane: |x / a|^n + |y / b|^n.
struct Oval {
    double a, b, y0, power;
    double level(double x, double y) const
    {
        return std::pow(std::abs(x / a), power) + std::pow(std::abs((y - y0) / b), power);
    }
    bool contains(double x, double y) const { return a > 0 && b > 0 && level(x, y) < 1; }
    Oval inset(double side, double front, double back) const { return {a - side, b - (front + back) / 2, y0 + (front - back) / 2, power}; }
};

} // namespace

struct CtAnatomy::Private {
    explicit Private(const CtPhantomOptions& options);

    // Sizes of this person.
    double width, depth, height;
    double fatFront, fatSide, fatBack, muscle;
    double backY;               ///< Centre of the vertebral bodies at z = 0.
    double domeRight, domeLeft, domeHeight;
    double apex;
    double lungHu, liverHu, spleenHu, kidneyHu, bloodHu, muscleHu, spongyHu, fatHu;
    bool nodule, lesion, table;
    std::uint32_t seed;
    Ellipsoid heart, heartFat, liverRight, liverLeft, spleen, kidneys[2], kidneySinus[2], stomach, noduleBody, lesionBody, gallbladder, bladder;
    std::vector<Ellipsoid> gasPockets;
    double stomachGasY, colonGasY, bowelGasShare;
    CapsuleIndex tubes;

    Oval bodyOval(double z) const;
    Oval wallOval(double z) const;      ///< Outer border of the muscle wall (inside the subcutaneous fat).
    Oval cavityOval(double z) const;    ///< Chest or abdominal cavity.
    double spineY(double z) const { return backY + 6 * std::sin(z / 90); }
    double diaphragm(double x, double y) const;
    std::optional<Tissue> spine(PointLps p) const;
    std::optional<Tissue> flatBones(PointLps p, const Oval& wall) const;
    Tissue chest(PointLps p, unsigned kinds) const;
    Tissue abdomen(PointLps p, unsigned kinds, const Oval& cavity) const;
    Tissue wall(PointLps p, unsigned kinds) const;
    Tissue outside(PointLps p) const;
    Tissue bone(double hu) const { return {CtLabel::Bones, float(hu)}; }
    void addRibs();
    void addAirways(Random& random);
    void addLungVessels(Random& random);
    void addVessels();
    void addBowel(Random& random);
    void addLine(std::initializer_list<PointLps> points, double radiusA, double radiusB, Tube kind, int id = 0);
    PointLps scaled(double x, double y, double z) const { return {x * width, y * depth, z * height}; }
};

CtAnatomy::Private::Private(const CtPhantomOptions& options)
{
    Random random(options.seed);
    seed = options.seed;
    width = random.uniform(0.9, 1.12);
    depth = random.uniform(0.92, 1.12);
    height = random.uniform(0.94, 1.06);
    fatFront = random.uniform(9, 26);
    fatSide = random.uniform(9, 26);
    fatBack = random.uniform(9, 20);
    muscle = random.uniform(11, 16);
    backY = 58 * depth;
    domeRight = random.uniform(8, 30);
    domeLeft = domeRight - random.uniform(6, 16);
    domeHeight = random.uniform(55, 75);
    apex = 205 * height;
    lungHu = random.uniform(-870, -800);
    muscleHu = random.uniform(48, 60);
    spongyHu = random.uniform(130, 230);
    fatHu = random.uniform(-108, -96);
    liverHu = options.contrast ? random.uniform(95, 120) : random.uniform(48, 62);
    spleenHu = options.contrast ? random.uniform(105, 130) : random.uniform(44, 52);
    kidneyHu = options.contrast ? random.uniform(160, 200) : random.uniform(28, 36);
    bloodHu = options.contrast ? random.uniform(150, 230) : random.uniform(36, 44);
    nodule = options.lungNodule;
    lesion = options.liverLesion;
    table = options.table;
    const auto vary = [&](double mm) { return random.uniform(-mm, mm); };
    heart = {scaled(24 + vary(6), -22 + vary(5), 42 + vary(8)), {52 * width, 42 * depth, 50 * height}, 0.55 + vary(0.15)};
    heartFat = heart.grown(random.uniform(3, 7));
    liverRight = {scaled(-62 + vary(6), -4 + vary(6), -38 + vary(8)), {82 * width, 74 * depth, 72 * height}, 0.1};
    liverLeft = {scaled(8 + vary(8), -46 + vary(4), -24 + vary(8)), {68 * width, 32 * depth, 34 * height}, -0.1};
    spleen = {scaled(98 + vary(5), 34 + vary(8), -28 + vary(10)), {29 * width, 46 * depth, 50 * height}, -0.35};
    for (int side : {0, 1}) {
        const double sign = side == 0 ? 1 : -1;
        kidneys[side] = {scaled(sign * (60 + vary(4)), 44 + vary(4), (side == 0 ? -100 : -112) + vary(10)), {25 * width, 24 * depth, 50 * height}, -sign * 0.4};
        kidneySinus[side] = {kidneys[side].center + Vec3{-sign * 9, -4, 0}, {11, 9, 24}, -sign * 0.4};
    }
    stomach = {scaled(58 + vary(8), -30 + vary(6), -38 + vary(10)), {40 * width, 40 * depth, 46 * height}, 0.3};
    stomachGasY = stomach.center.y - random.uniform(2, 22);
    gallbladder = {scaled(-42 + vary(6), -48, -88 + vary(8)), {14, 16, 24}, 0};
    bladder = {scaled(vary(6), -24, -262), {38 * width, 30 * depth, 26}, 0};
    const double side = random.chance(0.5) ? 1 : -1;
    noduleBody = {scaled(side * random.uniform(62, 84), random.uniform(-30, 22), random.uniform(75, 140)), {}, 0};
    const double noduleRadius = random.uniform(5, 9);
    noduleBody.radii = {noduleRadius, noduleRadius, noduleRadius};
    const double lesionRadius = random.uniform(10, 17);
    lesionBody = {liverRight.center + Vec3{vary(25), vary(22), vary(25)}, {lesionRadius, lesionRadius * 0.9, lesionRadius * 1.1}, 0};
    addRibs();
    addAirways(random);
    addLungVessels(random);
    addVessels();
    addBowel(random);
}

Oval CtAnatomy::Private::bodyOval(double z) const
{
    z /= height;
    const double a = along({{-320, 172}, {-220, 174}, {-110, 150}, {0, 158}, {90, 166}, {170, 172}, {225, 150}, {260, 80}}, z) * width;
    const double b = along({{-320, 112}, {-220, 110}, {-110, 104}, {0, 112}, {100, 110}, {170, 100}, {225, 78}, {260, 62}}, z) * depth;
    return {a + fatSide - 15, b + (fatFront + fatBack) / 2 - 14, (fatBack - fatFront) / 2 * 0.6, 2.35};
}

Oval CtAnatomy::Private::wallOval(double z) const
{
    const double chest = along({{-40, 1}, {60, 0.6}, {220, 0.45}}, z / height);
    return bodyOval(z).inset(2 + fatSide * chest, 2 + fatFront * chest, 2 + fatBack * chest);
}

Oval CtAnatomy::Private::cavityOval(double z) const
{
    const double inChest = along({{-40, 0}, {10, 1}}, z / height);
    const double thickSide = muscle + 8 * inChest + along({{100, 0}, {200, 75}}, z / height) * width;
    const double thickFront = muscle + 4 * inChest + along({{130, 0}, {205, 32}}, z / height) * depth;
    const double thickBack = 26 - 4 * inChest + along({{150, 0}, {210, 18}}, z / height) * depth;
    Oval oval = wallOval(z).inset(thickSide, thickFront, thickBack);
    return oval;
}

double CtAnatomy::Private::diaphragm(double x, double y) const
{
    const double sideX = x > 0 ? 72 * width : -72 * width;
    const double rx = 92 * width, ry = 118 * depth;
    const double dx = (x - sideX) / rx, dy = (y + 14) / ry;
    const double top = x > 0 ? domeLeft : domeRight;
    // Blends the two domes in the middle.
    const double middle = std::exp(-(x * x) / (2 * 26.0 * 26.0));
    const double dome = top - domeHeight * 1.25 * (dx * dx + dy * dy);
    return (dome * (1 - middle) + (std::min(domeLeft, domeRight) - 14 - domeHeight * dy * dy) * middle) * height;
}

std::optional<Tissue> CtAnatomy::Private::spine(PointLps p) const
{
    const double y0 = spineY(p.z);
    const double dx = std::abs(p.x), dy = p.y - y0;
    if (dx > 46 || dy < -24 || dy > 74) {
        return std::nullopt;
    }
    const double period = 27 * height;
    double level = std::fmod(p.z, period);
    level = std::abs(level < 0 ? level + period - period / 2 : level - period / 2);   // distance to the middle of a vertebra
    const double half = period / 2 - 3.2;
    const double size = along({{-250, 1.22}, {0, 1.0}, {220, 0.78}}, p.z);
    const double ax = 21 * size, ay = 16.5 * size;
    const double oval = (p.x / ax) * (p.x / ax) + (dy / ay) * (dy / ay);
    if (oval < 1) {
        if (level > half) {
            return Tissue{CtLabel::Muscle, float(muscleHu + 35)};
        }
        const double shell = 1 - 1.8 / ay;
        const bool cortex = oval > shell * shell || level > half - 1.5;
        return bone(cortex ? 520 : spongyHu + 25 * smoothNoise(p.x, p.y, p.z, 4, seed));
    }
    const double canalY = ay + 8.5 * size;
    const double cx = p.x, cy = dy - canalY;
    const double canal = std::hypot(cx, cy);
    const double canalRadius = 9 * size;
    if (canal < canalRadius) {
        return Tissue{CtLabel::SpinalCord, canal < 0.6 * canalRadius ? 38.F : 12.F};
    }
    if (level < half * 0.86) {
        if (canal < canalRadius + 6) {
            return bone(canal < canalRadius + 1.5 || canal > canalRadius + 4.5 ? 480 : 260);
        }
        // Transverse and spinous processes.
        if (dx > 8 && dx < 40 * size && std::abs(cy - (dx - 10) * 0.18) < 5.5 && level < half * 0.6) {
            return bone(std::abs(cy - (dx - 10) * 0.18) > 4 ? 450 : 230);
        }
        if (dx < 4 && cy > 0 && cy < canalRadius + 30 * size && level < half * 0.75) {
            return bone(dx > 2.5 ? 450 : 250);
        }
    }
    return std::nullopt;
}

std::optional<Tissue> CtAnatomy::Private::flatBones(PointLps p, const Oval& wallBorder) const
{
    const double z = p.z / height;
    // Sternum, in the front wall.
    if (z > 15 && z < 165 && std::abs(p.x) < 19 * width) {
        const double front = cavityOval(p.z).y0 - cavityOval(p.z).b;
        const double halfWidth = along({{15, 8}, {40, 16}, {120, 15}, {165, 20}}, z) * width;
        const double u = p.x / halfWidth, v = (p.y - (front - 9)) / 6.0;
        const double level = u * u * u * u + v * v;
        if (level < 1) {
            return bone(level > 0.55 ? 350 : 140);
        }
    }
    // Shoulder blades, in the back wall.
    if (z > 85 && z < 215) {
        const double t = (z - 85) / 130;
        const double cx = (88 + 14 * t) * width, cy = (78 - 10 * t) * depth;
        const double length = (10 + 34 * t) * width;
        const double u = std::abs(p.x) - cx, v = p.y - cy;
        const double c = std::cos(0.55), s = std::sin(0.55);
        const double e = (c * u - s * v) / length, f = (s * u + c * v) / 4.5;
        const double level = e * e + f * f;
        if (level < 1 && wallBorder.contains(p.x, p.y)) {
            return bone(level > 0.5 ? 420 : 220);
        }
    }
    // Pelvis: iliac wings and sacrum.
    if (z < -165) {
        const Ellipsoid outer{scaled(72, 22, -262), {72 * width, 74 * depth, 92 * height}, 0.25};
        const Ellipsoid inner{scaled(60, 10, -258), {66 * width, 74 * depth, 96 * height}, 0.25};
        const PointLps q{std::abs(p.x), p.y, p.z};
        const double o = outer.level(q);
        if (o < 1 && !inner.contains(q) && p.x * p.x > 1200) {
            return bone(o > 0.93 || inner.level(q) < 1.06 ? 430 : 200);
        }
        const Ellipsoid sacrum{{0, spineY(p.z) + 8, -250 * height}, {52 * width, 22 * depth, 62 * height}, 0};
        const double level = sacrum.level(p);
        if (level < 1) {
            return bone(level > 0.85 ? 400 : 180);
        }
    }
    return std::nullopt;
}

void CtAnatomy::Private::addLine(std::initializer_list<PointLps> points, double radiusA, double radiusB, Tube kind, int id)
{
    const auto count = double(points.size() - 1);
    double n = 0;
    for (const auto* point = points.begin(); point + 1 != points.end(); ++point, ++n) {
        tubes.add({point[0], point[1], radiusA + (radiusB - radiusA) * n / count, radiusA + (radiusB - radiusA) * (n + 1) / count, kind, id});
    }
}

void CtAnatomy::Private::addRibs()
{
    constexpr int kSteps = 30;
    for (int side : {-1, 1}) {
        for (int rib = 0; rib < 12; ++rib) {
            const double top = (196 - rib * 20.5) * height;     // at the spine
            const double drop = (rib < 2 ? 30 + 12 * rib : 55 + 1.5 * rib) * height;
            const double bonyEnd = rib < 2 ? 0.80 : rib < 7 ? 0.74 : rib < 10 ? 0.66 - 0.04 * (rib - 7) : rib == 10 ? 0.42 : 0.30;
            const double cartilageEnd = rib < 7 ? 0.95 : rib < 10 ? 0.84 : bonyEnd;
            PointLps previous{};
            for (int step = 0; step <= kSteps; ++step) {
                const double t = double(step) / kSteps;
                if (t > cartilageEnd) {
                    break;
                }
                const double z = top - drop * (t < 0.75 ? t / 0.75 : 1 - (t - 0.75) * 0.9);
                const Oval oval = cavityOval(std::min(z, 172 * height));
                const double angle = t * 3.14159265 * 0.97 + 0.10;        // 0 at the back
                const double grow = 5.5;
                const double exponent = 2 / oval.power;
                const double sx = std::pow(std::abs(std::sin(angle)), exponent), cy = std::cos(angle);
                const double sy = std::copysign(std::pow(std::abs(cy), exponent), cy);
                const PointLps point{side * (oval.a + grow) * sx + side * 14 * std::max(0.0, 1 - 6 * t), oval.y0 + (oval.b + grow) * sy, z};
                if (step > 0) {
                    tubes.add({previous, point, 4.8, 4.8, t <= bonyEnd ? Tube::Rib : Tube::Cartilage, rib});
                    if (t <= bonyEnd) {
                        tubes.add({previous, point, 3.3, 3.3, Tube::RibMarrow, rib});
                    }
                }
                previous = point;
            }
        }
        // Collar bones.
        const double s = side;
        addLine({scaled(s * 20, -56, 176), scaled(s * 60, -62, 186), scaled(s * 110, -30, 204)}, 6, 5.5, Tube::Bone);
        addLine({scaled(s * 20, -56, 176), scaled(s * 60, -62, 186), scaled(s * 110, -30, 204)}, 4.2, 3.7, Tube::RibMarrow);
    }
}

void CtAnatomy::Private::addAirways(Random& random)
{
    const PointLps carina = scaled(random.uniform(-3, 3), 20, 128);
    const double trachea = random.uniform(7.5, 9.5), mainRadius = trachea * 0.75;
    const auto airway = [&](std::initializer_list<PointLps> points, double a, double b) {
        addLine(points, a + 1.4, b + 1.2, Tube::AirwayWall);
        addLine(points, a, b, Tube::Airway);
    };
    airway({scaled(0, 8, 275), scaled(0, 14, 200), carina}, trachea, trachea);
    const PointLps right = scaled(-38, 26, 98), left = scaled(42, 28, 92);
    airway({carina, right}, mainRadius, mainRadius * 0.95);
    airway({carina, left}, mainRadius * 0.92, mainRadius * 0.85);
    const double lobar = mainRadius * 0.58;
    airway({right, scaled(-54, 18, 122)}, lobar, lobar * 0.8);
    airway({right, scaled(-52, 34, 62)}, lobar * 1.05, lobar * 0.75);
    airway({left, scaled(58, 14, 114)}, lobar, lobar * 0.8);
    airway({left, scaled(56, 38, 58)}, lobar * 1.05, lobar * 0.75);
    addLine({scaled(6, 30, 275), scaled(6, 36, 130), scaled(14, 30, 0), scaled(28, 5, -22)}, 6, 6, Tube::Esophagus);
}

void CtAnatomy::Private::addLungVessels(Random& random)
{
    struct Branch { PointLps from; Vec3 direction; double radius, length; int depth; };
    std::vector<Branch> open;
    for (int side : {-1, 1}) {
        const PointLps hilum = scaled(side * 36, 22, 92);
        for (int n = 0; n < 9; ++n) {
            const Vec3 direction = normalized({side * random.uniform(0.4, 1), random.uniform(-0.9, 0.7), random.uniform(-1.0, 0.9)});
            open.push_back({hilum, direction, random.uniform(3.6, 5.2), random.uniform(26, 40), 0});
        }
    }
    while (!open.empty()) {
        const Branch branch = open.back();
        open.pop_back();
        const PointLps to = branch.from + branch.direction * branch.length;
        tubes.add({branch.from, to, branch.radius, branch.radius * 0.8, Tube::LungVessel, 0});
        if (branch.depth < 4) {
            for (int child = 0; child < 2; ++child) {
                const Vec3 bend{random.uniform(-0.7, 0.7), random.uniform(-0.7, 0.7), random.uniform(-0.7, 0.7)};
                open.push_back({to, normalized(branch.direction + bend), branch.radius * 0.68, branch.length * random.uniform(0.65, 0.85), branch.depth + 1});
            }
        }
    }
}

void CtAnatomy::Private::addVessels()
{
    addLine({scaled(-8, -14, 60), scaled(-16, -14, 110), scaled(-8, -4, 146), scaled(12, 22, 148), scaled(22, 44, 128), scaled(20, 42, 20), scaled(8, 26, -40),
        scaled(4, 28, -175)}, 14.5, 8.5, Tube::Vessel, 1);
    addLine({scaled(4, 28, -175), scaled(34, 30, -235)}, 6.5, 5.5, Tube::Vessel, 1);
    addLine({scaled(4, 28, -175), scaled(-30, 30, -235)}, 6.5, 5.5, Tube::Vessel, 1);
    addLine({scaled(-18, 2, 30), scaled(-20, 16, -30), scaled(-18, 30, -175)}, 11.5, 10, Tube::Vessel, 2);
    addLine({scaled(-24, -16, 160), scaled(-26, -10, 80)}, 9, 9, Tube::Vessel, 2);
    addLine({scaled(6, -30, 70), scaled(6, -22, 100), scaled(-28, 12, 98)}, 13, 10, Tube::Vessel, 3);
    addLine({scaled(6, -22, 100), scaled(34, 20, 100)}, 12, 9, Tube::Vessel, 3);
    // Portal vein, renal veins.
    addLine({scaled(10, 4, -80), scaled(-40, -8, -50)}, 7, 6, Tube::Vessel, 2);
    for (int side : {-1, 1}) {
        addLine({scaled(side * 4, 26, -104), scaled(side * 46, 42, -104)}, 4.5, 4, Tube::Vessel, 2);
        addLine({scaled(side * 34, 50, -60), scaled(side * 50, 42, -150), scaled(side * 66, 12, -240)}, 13, 20, Tube::Psoas);
    }
}

void CtAnatomy::Private::addBowel(Random& random)
{
    const auto bowel = [&](std::initializer_list<PointLps> points, double radius, int id) {
        addLine(points, radius, radius, Tube::BowelWall, id);
        addLine(points, radius - 2.6, radius - 2.6, Tube::BowelContent, id);
    };
    bowel({scaled(-92, 18, -215), scaled(-98, 14, -150), scaled(-92, -12, -112), scaled(-50, -62, -118), scaled(0, -70, -122), scaled(52, -62, -110),
        scaled(94, -10, -88), scaled(98, 22, -150), scaled(90, 18, -215), scaled(40, 10, -245), scaled(6, 34, -262)}, random.uniform(16, 22), 1);
    for (int loop = 0; loop < 24; ++loop) {
        const PointLps a = scaled(random.uniform(-62, 62), random.uniform(-56, 8), random.uniform(-232, -135));
        const PointLps b = a + Vec3{random.uniform(-40, 40), random.uniform(-22, 22), random.uniform(-22, 22)};
        bowel({a, b}, random.uniform(11, 14), 2);
    }
    colonGasY = random.uniform(-40, -10) * depth;
    bowelGasShare = random.uniform(0.15, 0.5);
    for (int n = 0; n < 40; ++n) {
        const double r = random.uniform(8, 20);
        gasPockets.push_back({scaled(random.uniform(-105, 105), random.uniform(-75, 30), random.uniform(-250, -85)), {r, r, r}, 0});
    }
}

Tissue CtAnatomy::Private::outside(PointLps p) const
{
    if (table) {
        // A curved couch: a thin shell around foam.
        const Oval body = bodyOval(0);
        const double surface = body.y0 + body.b + 7 - (p.x * p.x) / 1400;
        const double below = p.y - surface;
        if (std::abs(p.x) < 210 && below > 0 && below < 26) {
            return {CtLabel::Air, below < 2.5 || below > 23.5 ? -180.F : -930.F};
        }
    }
    return {CtLabel::Air, -1000};
}

Tissue CtAnatomy::Private::wall(PointLps p, unsigned kinds) const
{
    if (has(kinds, Tube::Rib) || has(kinds, Tube::Bone)) {
        return bone(has(kinds, Tube::RibMarrow) ? 210 : 560);
    }
    if (has(kinds, Tube::Cartilage)) {
        return {CtLabel::Muscle, float(muscleHu + 40)};
    }
    if (has(kinds, Tube::Airway)) {
        return {CtLabel::Airways, -990};
    }
    if (has(kinds, Tube::AirwayWall) || has(kinds, Tube::Esophagus)) {
        return {CtLabel::Muscle, 35};
    }
    return {CtLabel::Muscle, float(muscleHu + 6 * smoothNoise(p.x, p.y, p.z, 12, seed + 5))};
}

Tissue CtAnatomy::Private::chest(PointLps p, unsigned kinds) const
{
    if (has(kinds, Tube::Airway)) {
        return {CtLabel::Airways, -985};
    }
    if (has(kinds, Tube::AirwayWall)) {
        return {CtLabel::Muscle, 30};
    }
    if (heart.contains(p)) {
        return {CtLabel::Heart, float(bloodHu * 0.9 + 4)};
    }
    if (has(kinds, Tube::Vessel)) {
        return {CtLabel::Vessels, float(bloodHu)};
    }
    if (has(kinds, Tube::Esophagus)) {
        return {CtLabel::Muscle, 32};
    }
    const double z = p.z / height;
    const double halfWidth = (along({{-10, 20}, {60, 24}, {130, 30}, {175, 34}, {215, 36}}, z) +
        along({{-110, 0}, {-60, 0}, {-20, -6}, {30, 6}, {60, 14}}, p.y / depth)) * width;
    const double shift = along({{0, 10}, {80, 4}, {140, 0}}, z);
    const bool inLung = std::abs(p.x - shift) > halfWidth && !heartFat.contains(p) && p.z < apex &&
        std::hypot(p.x, p.y - spineY(p.z)) > 27 * width;
    if (inLung) {
        const CtLabel side = p.x > 0 ? CtLabel::LeftLung : CtLabel::RightLung;
        if (nodule && noduleBody.contains(p)) {
            return {CtLabel::LungNodule, 45};
        }
        if (has(kinds, Tube::LungVessel)) {
            return {side, float(bloodHu * 0.8)};
        }
        return {side, float(lungHu + 0.35 * p.y + 18 * smoothNoise(p.x, p.y, p.z, 9, seed + 1))};
    }
    return {CtLabel::VisceralFat, float(fatHu + 4 * smoothNoise(p.x, p.y, p.z, 15, seed + 2))};
}

Tissue CtAnatomy::Private::abdomen(PointLps p, unsigned kinds, const Oval& cavity) const
{
    if (has(kinds, Tube::Vessel)) {
        return {CtLabel::Vessels, float(bloodHu)};
    }
    for (int side : {0, 1}) {
        if (kidneys[side].contains(p)) {
            return kidneySinus[side].contains(p) ? Tissue{CtLabel::VisceralFat, float(fatHu)} : Tissue{side == 0 ? CtLabel::LeftKidney : CtLabel::RightKidney, float(kidneyHu)};
        }
    }
    if (gallbladder.contains(p)) {
        return {CtLabel::Liver, 8};
    }
    if (liverRight.contains(p) || liverLeft.contains(p)) {
        if (lesion && lesionBody.contains(p)) {
            return {CtLabel::LiverLesion, float(liverHu - 38)};
        }
        return {CtLabel::Liver, float(liverHu + 4 * smoothNoise(p.x, p.y, p.z, 7, seed + 3))};
    }
    if (spleen.contains(p)) {
        return {CtLabel::Spleen, float(spleenHu)};
    }
    if (stomach.contains(p)) {
        if (!stomach.grown(-3.5).contains(p)) {
            return {CtLabel::Stomach, 42};
        }
        return p.y < stomachGasY ? Tissue{CtLabel::BowelGas, -980} : Tissue{CtLabel::Stomach, 18};
    }
    if (has(kinds, Tube::Psoas)) {
        return {CtLabel::Muscle, float(muscleHu)};
    }
    if (p.z < -225 * height && bladder.contains(p)) {
        return {CtLabel::Bowel, 6};
    }
    if (has(kinds, Tube::BowelContent)) {
        for (const Ellipsoid& pocket : gasPockets) {
            if (pocket.contains(p) && p.y < colonGasY + 25) {
                return {CtLabel::BowelGas, -960};
            }
        }
        return {CtLabel::Bowel, float(28 + 14 * smoothNoise(p.x, p.y, p.z, 5, seed + 4))};
    }
    if (has(kinds, Tube::BowelWall)) {
        return {CtLabel::Bowel, 40};
    }
    if (has(kinds, Tube::Esophagus)) {
        return {CtLabel::Muscle, 32};
    }
    return {CtLabel::VisceralFat, float(fatHu + 5 * smoothNoise(p.x, p.y, p.z, 11, seed + 2))};
}

CtAnatomy::CtAnatomy(const CtPhantomOptions& options) : d(std::make_unique<const Private>(options)) {}
CtAnatomy::~CtAnatomy() = default;

std::array<PointLps, 2> CtAnatomy::box() const
{
    const double halfX = 210 * d->width, front = -165 * d->depth;
    return {PointLps{-halfX, front, -275 * d->height}, PointLps{halfX, 165 * d->depth, 225 * d->height}};
}

Tissue CtAnatomy::at(PointLps p) const
{
    const Oval body = d->bodyOval(p.z);
    if (!body.contains(p.x, p.y)) {
        return d->outside(p);
    }
    if (!body.inset(2, 2, 2).contains(p.x, p.y)) {
        return {CtLabel::Skin, 15};
    }
    const Oval wallBorder = d->wallOval(p.z);
    if (!wallBorder.contains(p.x, p.y)) {
        return {CtLabel::SubcutaneousFat, float(d->fatHu + 5 * smoothNoise(p.x, p.y, p.z, 14, d->seed + 6))};
    }
    if (const auto bone = d->spine(p)) {
        return *bone;
    }
    if (const auto bone = d->flatBones(p, wallBorder)) {
        return *bone;
    }
    const unsigned kinds = d->tubes.kindsAt(p);
    if (has(kinds, Tube::Rib) || has(kinds, Tube::Bone)) {
        return d->bone(has(kinds, Tube::RibMarrow) ? 210 : 560);
    }
    const Oval cavity = d->cavityOval(p.z);
    if (!cavity.contains(p.x, p.y)) {
        return d->wall(p, kinds);
    }
    const double dome = d->diaphragm(p.x, p.y);
    if (p.z > dome + 3) {
        return d->chest(p, kinds);
    }
    if (p.z > dome) {
        return {CtLabel::Muscle, float(d->muscleHu)};
    }
    return d->abdomen(p, kinds, cavity);
}

} // namespace hf::phantom
