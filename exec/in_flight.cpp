// SPDX-License-Identifier: Apache-2.0
#include "exec/in_flight.hpp"

namespace belfry::exec {

thread_local constinit InFlight in_flight;

} // namespace belfry::exec
