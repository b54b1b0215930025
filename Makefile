# Makefile of the extension "migrate"
#
# make && make install && make installcheck is plain PGXS, with PG_CONFIG= for
# the server that is meant.  The tasks of a developer (make demo, make test
# and the others listed under "tasks") need no PGXS to start with: each is a
# program in dev/ that first installs what the machine lacks.

EXTENSION = migrate
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" migrate.control)
PGFILEDESC = "migrate - schema migrations inside the server"

MODULE_big = migrate
OBJS = \
	src/author.o \
	src/batch.o \
	src/batchend.o \
	src/batchindex.o \
	src/batchkey.o \
	src/batchrange.o \
	src/batchsize.o \
	src/batchwalk.o \
	src/blockers.o \
	src/bookkeeping.o \
	src/catalog_environment.o \
	src/catalog_graph.o \
	src/catalog_log.o \
	src/catalog_pause.o \
	src/catalog_progress.o \
	src/catalog_revision.o \
	src/catalog_tenancy.o \
	src/catalog_tenancy_column.o \
	src/catalog_tenancy_refresh.o \
	src/catalog_tenancy_table.o \
	src/catalog_tenant.o \
	src/checksum.o \
	src/classify.o \
	src/commands.o \
	src/compare.o \
	src/configuration.o \
	src/context.o \
	src/deploy.o \
	src/deploybatch.o \
	src/deployleftover.o \
	src/deployparts.o \
	src/deployretry.o \
	src/deployscript.o \
	src/deploywork.o \
	src/deployworker.o \
	src/direction.o \
	src/directory.o \
	src/donepart.o \
	src/draw.o \
	src/environment.o \
	src/execute.o \
	src/export.o \
	src/filename.o \
	src/graph.o \
	src/graphbuild.o \
	src/graphcycle.o \
	src/graphdepends.o \
	src/graphlabel.o \
	src/graphorder.o \
	src/guard.o \
	src/hint.o \
	src/history.o \
	src/identifier.o \
	src/indexcheck.o \
	src/indexcompare.o \
	src/indexinvalid.o \
	src/lanes.o \
	src/live.o \
	src/livelist.o \
	src/load.o \
	src/lock.o \
	src/lockalter.o \
	src/lockcollect.o \
	src/lockconstraint.o \
	src/lockdrop.o \
	src/lockmaintain.o \
	src/lockneeds.o \
	src/lockrename.o \
	src/locks.o \
	src/lockstatement.o \
	src/look.o \
	src/migrate.o \
	src/offline.o \
	src/offlinescript.o \
	src/pause.o \
	src/plan.o \
	src/precheck.o \
	src/progress.o \
	src/relationlock.o \
	src/resolve.o \
	src/revfile.o \
	src/revheader.o \
	src/revid.o \
	src/revscan.o \
	src/revtime.o \
	src/rowsecurity.o \
	src/runner.o \
	src/scan.o \
	src/script.o \
	src/settings.o \
	src/sqlcall.o \
	src/stamp.o \
	src/state.o \
	src/status.o \
	src/step.o \
	src/tablescan.o \
	src/target.o \
	src/tenant.o \
	src/tenantacl.o \
	src/tenantbackfill.o \
	src/tenantcolumn.o \
	src/tenantcolumnarg.o \
	src/tenantdiscover.o \
	src/tenanteach.o \
	src/tenantexempt.o \
	src/tenantexpr.o \
	src/tenantfill.o \
	src/tenantfit.o \
	src/tenantfold.o \
	src/tenantforce.o \
	src/tenantgrant.o \
	src/tenantguard.o \
	src/tenantguardtrigger.o \
	src/tenantjson.o \
	src/tenantkey.o \
	src/tenantlink.o \
	src/tenantlinkkey.o \
	src/tenantlint.o \
	src/tenantlintbind.o \
	src/tenantlintcalls.o \
	src/tenantlintcontext.o \
	src/tenantlintexpr.o \
	src/tenantlintgone.o \
	src/tenantlintnot.o \
	src/tenantlintparent.o \
	src/tenantlintsublink.o \
	src/tenantlintterm.o \
	src/tenantmodel.o \
	src/tenantparse.o \
	src/tenantparts.o \
	src/tenantplan.o \
	src/tenantpolicy.o \
	src/tenantprotect.o \
	src/tenantschema.o \
	src/tenantselftest.o \
	src/tenantselftestlook.o \
	src/tenantselftestprobe.o \
	src/tenantselftestread.o \
	src/tenantselftestrow.o \
	src/tenantselftestsample.o \
	src/tenantselftestscene.o \
	src/tenantselftesttry.o \
	src/tenantselftestview.o \
	src/tenantselftestwrite.o \
	src/tenantset.o \
	src/tenanttable.o \
	src/tenantteardown.o \
	src/tenantunprotect.o \
	src/tenantvalue.o \
	src/tenantwaive.o \
	src/tenantway.o \
	src/tenantwork.o \
	src/textlist.o \
	src/throttle.o \
	src/version.o \
	src/versionwrite.o \
	src/walk.o \
	src/worker.o \
	src/workermain.o \
	src/workersession.o \
	src/workertask.o

# The install script is made of parts; they are run in this order.
DATA_built = migrate--$(EXTVERSION).sql
INSTALL_PARTS = \
	install/header.sql \
	install/tables.sql \
	install/tenant_tables.sql \
	install/types.sql \
	install/environment.sql \
	install/author.sql \
	install/batch.sql \
	install/run.sql \
	install/deploy.sql \
	install/progress.sql \
	install/offline.sql \
	install/look.sql \
	install/locks.sql \
	install/tenant_context.sql \
	install/tenant_setup.sql \
	install/tenant_lint.sql \
	install/tenant_lint_policies.sql \
	install/tenant_lint_expressions.sql \
	install/tenant_lint_security.sql \
	install/tenant_lint_keys.sql \
	install/tenant_lint_views.sql \
	install/tenant_lint_definers.sql \
	install/tenant_lint_rights.sql \
	install/tenant_lint_findings.sql \
	install/tenant_selftest.sql \
	install/rights.sql

PG_CPPFLAGS = -DMIGRATE_VERSION='"$(EXTVERSION)"'

# Only what the server calls is seen outside the library.  From 16 on PGXS
# sees to that.
comma = ,
SHLIB_LINK = $(if $(filter 15-linux,$(MAJORVERSION)-$(PORTNAME)),-Wl$(comma)--version-script=$(srcdir)/src/exports.map)

# The lists of tests are explicit; dev/test fails when a file is on none.
# setup shows what CREATE EXTENSION makes, and so comes first.
REGRESS = \
	setup \
	acl \
	batch_function \
	changed \
	corners \
	deploy \
	deploy_batch \
	deploy_examples \
	deploy_statements \
	downgrade \
	draw \
	environment \
	errors \
	examples \
	graph_errors \
	large \
	load \
	locks \
	log \
	look \
	naming \
	offline \
	origin \
	pause \
	refusals \
	revision \
	row_security \
	script \
	search_path \
	stamp \
	targets \
	tenant_attach \
	tenant_collation \
	tenant_column \
	tenant_context \
	tenant_discover \
	tenant_each \
	tenant_fold \
	tenant_grant \
	tenant_guard \
	tenant_link \
	tenant_lint \
	tenant_lint_design \
	tenant_lint_expression \
	tenant_lint_reach \
	tenant_names \
	tenant_partition \
	tenant_rename \
	tenant_restore \
	tenant_selftest \
	tenant_selftest_caller \
	tenant_selftest_verdict \
	tenant_setup \
	tenant_waive \
	upgrade \
	version_table
REGRESS_OPTS = --encoding=UTF8 --no-locale

ISOLATION = \
	authoring \
	branches \
	deploy_deploy \
	deploy_locks \
	environments \
	isolation_levels \
	lock_timeout \
	looking \
	tenant_drop \
	tenant_guard \
	tenant_protect \
	upgrade_downgrade \
	upgrade_stamp \
	upgrade_upgrade \
	version_table
ISOLATION_OPTS = --inputdir=test --encoding=UTF8 --no-locale \
	--load-extension=migrate

TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl

EXTRA_CLEAN = output_iso tmp_check

# ---- tasks ----

TASKS = bench demo indent matrix test torture valgrind

.DEFAULT_GOAL = all
.PHONY: $(TASKS) dist

$(TASKS):
	@dev/$@

# a release for PGXN
dist:
	git archive --format=zip --prefix=migrate-$(EXTVERSION)/ -o migrate-$(EXTVERSION).zip HEAD

# the value of a variable, for the programs in dev/
print-%:
	@echo $($*)

# ---- PGXS, unless only tasks are asked for ----

ifneq ($(filter-out $(TASKS) dist print-%,$(or $(MAKECMDGOALS),all)),)

PG_CONFIG = pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

# Debian has moved pgxs.mk between packages: look for the headers, too
SERVER_HEADER := $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)/postgres.h

ifeq ($(and $(wildcard $(PGXS)),$(wildcard $(SERVER_HEADER))),)
PGMAJOR := $(or $(shell $(PG_CONFIG) --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p'),NN)
$(error The PostgreSQL extension build files (pgxs.mk, postgres.h) are missing. On Debian and Ubuntu, install postgresql-server-dev-$(PGMAJOR); elsewhere, the development package of the server, and name its pg_config with PG_CONFIG=. "make demo" and "make test" do this by themselves)
endif

# A server built with JIT has make compile the library once more with clang.
# Where that clang is not installed the library works without.
PGXS_CLANG := $(shell sed -n 's/^CLANG[[:space:]]*= *//p' $(dir $(PGXS))../Makefile.global)
ifeq ($(shell command -v $(or $(PGXS_CLANG),false)),)
override with_llvm = no
endif

include $(PGXS)

# PGXS follows no #include: any header makes everything anew
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*.h) migrate.control Makefile
$(shlib): src/exports.map

migrate--$(EXTVERSION).sql: $(addprefix $(srcdir)/,$(INSTALL_PARTS)) Makefile
	awk 'FNR == 1 && NR > 1 { print "" } { print }' $(filter %.sql,$^) >$@

endif
