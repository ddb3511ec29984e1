#include "assistant/engine/Recompute.h"

#include "assistant/engine/Autocast.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace hf::assistant {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Body : torch::CustomClassHolder {
    std::function<torch::Tensor(const torch::Tensor&)> run;
    bool isNarrow = false;      ///< Ran under autocast.
    explicit Body(std::function<torch::Tensor(const torch::Tensor&)> body) : run(std::move(body)) {}
};

struct Recompute : torch::autograd::Function<Recompute> {
    /// @param anchor  needs a gradient, so that there is a backward pass for the body's own tensors even where x needs none.
    static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor&, const c10::intrusive_ptr<Body>& body)
    {
        body->isNarrow = at::autocast::is_autocast_enabled(x.device().type());
        context->save_for_backward({x});
        context->saved_data["body"] = c10::IValue::make_capsule(body);
        // Narrow copies of weights would be kept for this thread's next use of them, without their gradients.
        const bool keepsCopies = at::autocast::is_autocast_cache_enabled();
        at::autocast::set_autocast_cache_enabled(false);
        const torch::Tensor y = body->run(x);
        at::autocast::set_autocast_cache_enabled(keepsCopies);
        return y;
    }

    static variable_list backward(AutogradContext* context, const variable_list& gradients)
    {
        const auto body = c10::static_intrusive_pointer_cast<Body>(context->saved_data["body"].toCapsule());
        const torch::Tensor x = context->get_saved_variables()[0].detach().requires_grad_(context->needs_input_grad(0));
        torch::Tensor y;
        {
            const at::AutoGradMode withGradients(true);
            const Autocast autocast(body->isNarrow, x.device().type());
            y = body->run(x);
        }
        torch::autograd::backward({y}, {gradients[0]});
        return {x.grad(), {}, {}};
    }
};

} // namespace

torch::Tensor recomputed(std::function<torch::Tensor(const torch::Tensor&)> body, const torch::Tensor& x)
{
    if (!at::GradMode::is_enabled()) {
        return body(x);
    }
    const torch::Tensor anchor = torch::empty({0}, x.options().dtype(torch::kFloat)).requires_grad_(true);
    return Recompute::apply(x, anchor, c10::make_intrusive<Body>(std::move(body)));
}

} // namespace hf::assistant
