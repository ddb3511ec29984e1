#pragma once

#include "viewer/phantom/Random.h"
#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Picture.h"
#include "viewer/volume/Progress.h"

#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

namespace hf::assistant::train {

enum class ImageKind { Ct, Mri, Cxr, Ultrasound, Blank };

/// A grey picture of S x S pixels as the vision tower takes it, and what is true about it.
struct TrainingPicture {
    ImageKind kind = ImageKind::Blank;
    std::optional<Plane> plane;             ///< Of CT and MRI.
    bool lateral = false;                   ///< Of a radiograph.
    std::vector<std::uint8_t> grey;
    /// Values of the classical CT expert's labels, for CT only; else empty.
    std::vector<LabelId> labels;
};

struct RealVolume;

struct PoolOptions {
    int pictures = 6000;
    int size = 168;
    std::uint32_t seed = 1;
    std::uint32_t firstPatient = 0;         ///< Phantoms of people are those of these seeds and the next: 150 trunks, 997 heads.
    /// Folders CT, MR, CXR with uncompressed MetaImage volumes (int16, LPS); empty: phantoms alone.
    std::filesystem::path realVolumes;
    /// A file that keeps the pictures: read when it exists (the other options then do not matter), else written. Empty: none.
    std::filesystem::path cache;
};

/// Pictures of phantoms (and of real volumes), made by the function that makes the model's picture in the program.
/// @throws Error for a MetaImage file that is not understood or a broken cache; Cancelled.
std::vector<TrainingPicture> makePool(const PoolOptions& options, const Progress& progress, std::stop_token stop);

/// Pictures that are made on threads of their own while the first are in use; the same as makePool() makes. Destroying it ends the threads.
class GrowingPool {
public:
    /// @param first  so many are made by all threads; then `later` of them go on. @throws Error as makePool.
    GrowingPool(const PoolOptions& options, int first, int threads, int later);
    ~GrowingPool();
    /// Waits until the first are there. @throws Cancelled.
    void waitForFirst(const Progress& progress, const std::stop_token& stop) const;
    /// How many there are; these do not change any more. Any thread.
    std::size_t ready() const { return m_ready.load(std::memory_order_acquire); }
    const TrainingPicture& at(std::size_t n) const { return m_pictures[n]; }

private:
    void work(std::stop_token stop, const PoolOptions& options, bool stays);
    std::vector<RealVolume> m_real;
    std::vector<TrainingPicture> m_pictures;
    std::vector<bool> m_isMade;
    std::size_t m_first;
    std::atomic<int> m_next = 0;
    std::atomic<std::size_t> m_ready = 0;
    std::mutex m_mutex;
    std::vector<std::jthread> m_threads;
};

/// A variation: brightness, contrast, gamma, noise, a small shift, turn and zoom. `labels` follow.
TrainingPicture varied(const TrainingPicture& picture, int size, phantom::Random& random);

/// Left and right exchanged.
TrainingPicture mirrored(const TrainingPicture& picture, int size);

/// Twelve slices in each useful plane of each volume in `realVolumes` (as PoolOptions), with the first window: to try a model on.
/// @throws Error as makePool.
std::vector<TrainingPicture> plainPictures(const std::filesystem::path& realVolumes, int size);

/// What there is to tell apart: CT and MRI in three planes, frontal and lateral radiographs, ultrasound, nothing.
constexpr int kPictureClasses = 10;
int pictureClass(const TrainingPicture& picture);

Picture toPicture(const TrainingPicture& picture, int size);
/// As modelMaskedPicture: labels in `values` get the colours of their rank among those present.
Picture toMaskedPicture(const TrainingPicture& picture, int size, const std::vector<LabelId>& labels);

} // namespace hf::assistant::train
